// What the merchant's pages need of a script: the proof of who asks on every request of htmx, and small comforts.
// Inside Shopify's admin cookies are not ours to rely on: each request carries a fresh session token of App Bridge.
(() => {
  "use strict";
  const root = document.documentElement;
  const embedded = document.body.classList.contains("embedded") && "shopify" in window;
  const language = document.body.dataset.language;
  const shop = document.body.dataset.shop;
  let token = "";

  // htmx asks before each request: wait for the token, then go on.
  document.addEventListener("htmx:confirm", (event) => {
    if (!embedded) return;
    event.preventDefault();
    const question = event.detail.question;
    if (question && !window.confirm(question)) return;
    window.shopify.idToken().then((fresh) => {
      token = fresh;
      event.detail.issueRequest(true);
    }, () => reload(location.pathname + location.search));
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const headers = event.detail.headers;
    if (embedded) {
      headers.Authorization = `Bearer ${token}`;
      headers["X-Dasi-Language"] = language;
    }
    const csrf = document.querySelector('meta[name="csrf-token"]');
    if (csrf && event.detail.verb !== "get") headers["X-CSRF-Token"] = csrf.content;
  });

  // htmx reads an answer as a browser without scripts would: what is meant for such a one must not come in.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { detail } = event;
    if (typeof detail.serverResponse === "string") {
      detail.serverResponse = detail.serverResponse.replace(/<noscript>[^]*?<\/noscript>/g, "");
    }
  });

  // A refused token: once more with a fresh one, so that nothing typed is lost. An ended session, or refused again:
  // load the page anew, which asks for the right to see it.
  const again = new WeakSet();
  document.addEventListener("htmx:responseError", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (xhr.status !== 401) return;
    const fresh = embedded && xhr.getResponseHeader("X-Shopify-Retry-Invalid-Session-Request");
    if (fresh && !again.has(elt) && elt.matches("a, form")) {
      again.add(elt);
      const cause = requestConfig.triggeringEvent;
      if (elt.matches("a")) elt.click();
      else elt.requestSubmit(cause && cause.submitter);
      return;
    }
    reload(location.pathname + location.search);
  });
  document.addEventListener("htmx:afterOnLoad", (event) => again.delete(event.detail.elt));

  // Nobody answered: say so, else a button seems to do nothing.
  document.addEventListener("htmx:sendError", () => {
    const note = busy();
    if (!note) return;
    note.textContent = note.dataset.failed;
    note.hidden = false;
  });

  function reload(address) {
    const url = new URL(address, location.origin);
    if (embedded) {
      url.searchParams.delete("id_token");
      url.searchParams.set("shop", shop);
      url.searchParams.set("embedded", "1");
    }
    location.replace(url);
  }

  // A page that came in a frame's place begins at its top, and a reader is told that it is there.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.boosted || event.detail.target === document.body) {
      const main = document.getElementById("main");
      if (main) main.focus({ preventScroll: true });
    }
    mark();
    offerScopes();
  });

  // The admin's own navigation, where it draws one, takes the place of ours.
  if (embedded && window.customElements && customElements.get("s-app-nav")) root.classList.add("has-app-nav");
  document.addEventListener("shopify:navigate", (event) => {
    const address = event.target && event.target.getAttribute && event.target.getAttribute("href");
    if (!address || !window.htmx || !address.startsWith("/")) return;
    event.preventDefault();
    const link = document.querySelector(`.nav a[href="${CSS.escape(address)}"]`);
    if (link) link.click();
  });

  // "One moment…" when something takes longer than a blink.
  let timer = 0;
  let running = 0;
  const busy = () => document.getElementById("busy");
  document.addEventListener("htmx:beforeRequest", () => {
    running += 1;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!busy() || !running) return;
      busy().textContent = busy().dataset.wait;
      busy().hidden = false;
    }, 400);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    running = Math.max(0, running - 1);
    if (!running && busy() && !(event.detail.failed && !event.detail.xhr.status)) busy().hidden = true;
  });

  // Comforts: a choice that sends its form, a button that copies a text, a colour and its code side by side.
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.matches("[data-submit]")) field.form.requestSubmit();
    if (field.matches("input[type=color][data-code]")) document.getElementById(field.dataset.code).value = field.value;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-copy]");
    if (button && navigator.clipboard) navigator.clipboard.writeText(button.dataset.copy);
  });

  // A permission that the shop may still give: the admin asks for it in a window of its own, and tells us by webhook.
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-scope]");
    if (!button) return;
    button.disabled = true;
    window.shopify.scopes.request([button.dataset.scope]).then(({ result }) => {
      if (result !== "granted-all") return;
      const said = document.createElement("p");
      said.setAttribute("role", "status");
      said.textContent = button.dataset.granted;
      button.replaceWith(said);
    }).finally(() => { button.disabled = false; });
  });

  function mark() {
    const nav = document.querySelector(".nav a[aria-current]");
    if (nav) nav.scrollIntoView({ block: "nearest", inline: "center" });
  }
  function offerScopes() {
    const asks = embedded && window.shopify.scopes;
    for (const button of document.querySelectorAll("[data-scope]")) button.hidden = !asks;
  }
  mark();
  offerScopes();
})();
