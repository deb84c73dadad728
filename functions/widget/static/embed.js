// <script src="https://billing.example.com/widget.js" async></script>
// <backbeat-usage token-url="/my/usage-token"></backbeat-usage>
//
// `token-url` is an address of your own server. It knows who is signed in, asks Backbeat for that
// customer's token (POST /widget/tokens) and answers with it: {"token": "bbw_..."}.

(() => {
  const home = new URL(document.currentScript.src).origin;
  const PAUSE = 10_000;

  class BackbeatUsage extends HTMLElement {
    connectedCallback() {
      this.frame = document.createElement("iframe");
      this.frame.title = "Usage";
      Object.assign(this.frame.style, { width: "100%", border: "0", height: "320px", display: "block" });
      this.hear = (event) => this.heard(event);
      addEventListener("message", this.hear);
      this.open();
    }

    disconnectedCallback() {
      removeEventListener("message", this.hear);
      clearTimeout(this.later);
      this.frame.remove();
    }

    async open() {
      let token = this.getAttribute("token") ?? "";
      const own = this.getAttribute("token-url");
      if (own) {
        try {
          const reply = await fetch(own, { credentials: "same-origin" });
          if (!reply.ok) throw new Error(String(reply.status));
          token = (await reply.json()).token;
        } catch {
          // The frame says that there is nothing to show; the next try may bring it back.
          this.again();
        }
      }
      if (!this.isConnected) return;
      const parameters = new URLSearchParams({ token, theme: this.getAttribute("theme") ?? "" });
      const [, frames] = token.split("~");
      this.frame.src = `${home}/widget${frames ? `?${new URLSearchParams({ frames })}` : ""}#${parameters}`;
      if (!this.frame.isConnected) this.append(this.frame);
    }

    again() {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.open(), PAUSE);
    }

    heard(event) {
      if (event.origin !== home || event.source !== this.frame.contentWindow) return;
      if (event.data?.kind === "backbeat:height") this.frame.style.height = `${Math.ceil(Number(event.data.pixels))}px`;
      if (event.data?.kind === "backbeat:ended" && this.hasAttribute("token-url")) this.asked();
    }

    asked() {
      // Once at a time, and not again and again while the server cannot give one.
      if (this.last && Date.now() - this.last < PAUSE) return this.again();
      this.last = Date.now();
      return this.open();
    }
  }

  if (!customElements.get("backbeat-usage")) customElements.define("backbeat-usage", BackbeatUsage);
})();
