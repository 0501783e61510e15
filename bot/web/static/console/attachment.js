/* The picture that goes with the next reply: chosen, pasted or dropped, looked at and taken away again. A part of the
 * composer. It is sent up with its message and not before: what is taken away never leaves this computer. */
(function () {
  "use strict";

  const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"];
  const LARGEST = 8 * 1024 * 1024; // bytes, as the server takes them

  /** Why files cannot be sent, or "". */
  function refusal(files) {
    const [file] = files;
    if (files.length > 1) return "一次只能发送一张图片。";
    if (file.type && !TYPES.includes(file.type)) return "只能发送 PNG、JPEG、WebP、GIF 或 BMP 格式的图片。";
    if (file.size > LARGEST) return "图片不能超过 8 MB，请裁剪或压缩后再发送。";
    return file.size ? "" : "这个文件是空的，请重新选择图片。";
  }

  /* Of the composer around it, it knows `mine` and the field `reply`. */
  window.desk.attachment = {
    file: null,
    preview: "", // where this browser finds the file
    hint: "", // why a file cannot be sent
    target: "", // the composer's class while a file is held over the page

    pick() {
      this.$refs.file.click();
    },

    chosen({ target }) {
      const files = [...target.files];
      target.value = ""; // so that the same file can be chosen again
      if (files.length) this.attach(files);
    },

    pasted(event) {
      const { files } = event.clipboardData;
      if (!files.length || event.clipboardData.getData("text/plain")) return; // of a copied table the text is meant
      event.preventDefault();
      this.attach([...files]);
    },

    /** A file is held over the page, leaves it or is dropped: the browser would go there. */
    dragged(event) {
      if (!this.mine || !event.dataTransfer || !event.dataTransfer.types.includes("Files")) return;
      if (event.type !== "dragleave") event.preventDefault();
      this.target = event.type === "dragover" ? "target" : "";
      if (event.type === "drop" && event.dataTransfer.files.length) this.attach([...event.dataTransfer.files]);
    },

    attach(files) {
      const hint = refusal(files);
      if (!hint) {
        this.detach();
        this.file = files[0];
        this.preview = URL.createObjectURL(this.file);
      }
      this.hint = hint;
      this.$refs.reply.focus();
    },

    detach() {
      URL.revokeObjectURL(this.preview);
      this.takeFile();
      this.$refs.reply.focus();
    },

    /** The file for a message that is sent, {file, preview}; the composer has none any more. */
    takeFile() {
      const { file, preview } = this;
      Object.assign(this, { file: null, preview: "", hint: "" });
      return { file, preview };
    },
  };
})();
