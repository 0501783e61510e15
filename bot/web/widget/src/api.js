/* The server, from any page: JSON in and out; what fails carries the words that the server has for the visitor. */

const PATIENCE = 20000; // milliseconds until a request counts as failed
const UPLOAD_PATIENCE = 90000;

/** No answer to be had (status 0), or a refusal: detail and fields are words for the visitor, wait is in seconds. */
export class Failure extends Error {
  constructor(status, { detail, fields } = {}, wait = 0) {
    super(detail || "request failed");
    Object.assign(this, { status, detail, fields, wait });
  }

  /** Whether there is no such conversation, or its token is not this one. */
  get unknown() {
    return this.status === 401 || this.status === 404;
  }

  /** Whether trying again may help. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status >= 500;
  }
}

const bearer = (token) => (token ? { Authorization: "Bearer " + token } : {});

export class Api {
  constructor(base) {
    this.base = base;
  }

  /** A response, whatever its status. */
  fetch(path, { token, ...options }) {
    const headers = Object.assign(bearer(token), options.headers);
    return fetch(this.base + path, Object.assign({ credentials: "omit" }, options, { headers }));
  }

  /** The JSON answer (null: 204), to a POST where there is a body; otherwise a Failure. */
  async request(path, { token, body } = {}) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    let response, data;
    try {
      const options = { method: body ? "POST" : "GET", body: body && JSON.stringify(body), signal: abort.signal };
      response = await this.fetch(path, { token, headers, cache: "no-store", ...options });
      data = response.status === 204 ? null : await response.json();
    } catch (error) {
      throw new Failure(response && !response.ok ? response.status : 0);
    } finally {
      clearTimeout(timer);
    }
    if (!response.ok) throw new Failure(response.status, data || {}, Number(response.headers.get("Retry-After")));
    return data;
  }

  /** A picture's bytes. */
  async picture(path, token) {
    const response = await this.fetch(path, { token });
    if (!response.ok) throw new Failure(response.status);
    return response.blob();
  }

  /** Send a picture up, telling `progress(part)` how far it is: {done: a promise of its id, cancel}. */
  upload(path, token, file, progress) {
    const sending = new XMLHttpRequest();
    const done = new Promise((resolve, reject) => {
      sending.open("POST", this.base + path);
      sending.timeout = UPLOAD_PATIENCE;
      sending.setRequestHeader("Authorization", bearer(token).Authorization);
      sending.setRequestHeader("Content-Type", file.type || "application/octet-stream");
      sending.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
      sending.onloadend = () => {
        let data = {};
        try {
          data = JSON.parse(sending.responseText) || {};
        } catch (error) {
          // no answer, or not this server's
        }
        const { status } = sending;
        if (status === 201 && data.picture_id) resolve(data.picture_id);
        else reject(new Failure(status < 400 ? 0 : status, data, Number(status && sending.getResponseHeader("Retry-After"))));
      };
      sending.send(file);
    });
    return { done, cancel: () => sending.abort() };
  }
}
