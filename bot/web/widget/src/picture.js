/* Pictures: what may be sent, and those of the log, which come with the conversation's token and live in memory. */
import { html, nothing } from "lit/html.js";

export const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"];
const LARGEST = 8 * 1024 * 1024;

/** Why files cannot be sent, or "". */
export function refusal(files) {
  const file = files[0];
  return (
    files.length > 1 ? "一次只能发送一张图片。"
    : file.type && !TYPES.includes(file.type) ? "只能发送 PNG、JPEG、WebP、GIF 或 BMP 格式的图片。"
    : file.size > LARGEST ? "图片不能超过 8 MB，请裁剪或压缩后再发送。"
    : file.size === 0 ? "这个文件是空的，请重新选择图片。"
    : ""
  );
}

export class Gallery {
  constructor(chat) {
    this.chat = chat;
    this.urls = new Map(); // by file or picture id: an address in memory, "" while it is fetched, null: it cannot be
    this.shown = nothing; // the one that is looked at, as an image
  }

  /** The address of a file, or of a picture that the server has. */
  url(picture) {
    if (!this.urls.has(picture)) {
      if (picture instanceof File) this.urls.set(picture, URL.createObjectURL(picture));
      else this.load(picture);
    }
    return this.urls.get(picture);
  }

  async load(picture) {
    const { api, talk, changed } = this.chat;
    const { urls } = this;
    urls.set(picture, "");
    try {
      const blob = await api.picture(talk.here("/pictures/" + encodeURIComponent(picture)), talk.held.token);
      if (urls === this.urls) urls.set(picture, URL.createObjectURL(blob));
    } catch (problem) {
      urls.set(picture, null);
    }
    changed();
  }

  clear() {
    this.urls.forEach((url) => url && URL.revokeObjectURL(url));
    this.urls = new Map();
  }

  thumbnail(picture, alt) {
    const url = this.url(picture);
    const image = html`<img alt=${alt} src=${url}>`;
    const pressed = () => (url ? this.enlarge(image) : url === null && this.load(picture));
    return html`<button class="thumbnail" title="查看大图" @click=${pressed}
      >${url ? image
      : url === null ? "图片无法显示，点击重试" : html`<span class="unseen">图片正在加载</span>`}</button>`;
  }

  enlarge(image) {
    this.shown = image;
    this.chat.changed();
    this.chat.modal("viewer");
  }

  template() {
    const close = () => this.chat.closeModal("viewer");
    return html`<dialog class="viewer" aria-label="查看图片" @click=${close}>
      <button class="plain" @click=${close}>关闭</button>
      ${this.shown}
    </dialog>`;
  }
}
