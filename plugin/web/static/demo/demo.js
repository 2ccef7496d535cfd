// The demo's pages work without this file; with it they move by themselves.
"use strict";
(() => {
  const me = document.currentScript;
  const stateUrl = me.dataset.state;
  const listUrl = me.dataset.list;
  const find = (selector, root = document) => root.querySelector(selector);
  const shown = new WeakMap(); // element -> stamp of the HTML in it

  // Replace an element's content when it changed, but never under the visitor's cursor.
  function put(element, part) {
    if (shown.get(element) === part.stamp) return;
    const active = document.activeElement;
    const typing = active && element.contains(active) && active.matches("input:not([type=checkbox]), select");
    if (typing) return;
    const open = [...element.querySelectorAll("details")].map((details) => details.open);
    const buttons = [...element.querySelectorAll("button, a, summary")];
    const focused = active && element.contains(active) ? buttons.indexOf(active) : -1;
    element.innerHTML = part.html;
    element.querySelectorAll("details").forEach((details, index) => { details.open = open[index] || false; });
    if (focused >= 0) element.querySelectorAll("button, a, summary")[focused]?.focus();
    shown.set(element, part.stamp);
  }

  function showClock(clock) {
    find("[data-date]").textContent = clock.date;
    find("[data-time]").textContent = clock.time;
    find("[data-held]").textContent = clock.held ? `The clock waits for ${clock.held}` : "";
    document.querySelectorAll(".speeds button").forEach((button) => {
      button.setAttribute("aria-pressed", String(Number(button.value) === clock.speed));
    });
  }

  function showOrders(orders, pending) {
    const list = find("[data-orders]");
    const note = find("[data-pending]");
    note.hidden = !pending;
    let before = note;
    for (const order of orders) {
      let card = find(`[data-order="${order.id}"]`, list);
      if (!card) {
        card = find("[data-order-template]").content.firstElementChild.cloneNode(true);
        card.dataset.order = order.id;
        card.id = `order-${order.id}`;
        card.classList.add("arrives");
        before.after(card);
      }
      for (const name of ["head", "timeline", "actions"]) put(find(`[data-part=${name}]`, card), order[name]);
      before = card;
    }
    find("[data-empty]").hidden = orders.length > 0 || pending;
  }

  function showCount(mails) {
    document.querySelectorAll("[data-mails]").forEach((element) => { element.textContent = mails; });
  }

  async function ask(url) {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  let running = false;
  async function refresh() {
    if (running || document.hidden) return;
    running = true;
    try {
      if (stateUrl) {
        const state = await ask(stateUrl);
        showClock(state.clock);
        showOrders(state.orders, state.pending);
        put(find("[data-latest]"), state.latest);
        showCount(state.mails);
      } else if (listUrl) {
        const letters = find("[data-letters]");
        const state = await ask(`${listUrl}?open=${encodeURIComponent(letters.dataset.open)}`);
        showClock(state.clock);
        put(letters, state.list);
        showCount(state.mails);
        find("[data-clear]").disabled = state.mails === 0;
      }
    } catch { /* the server restarts, or is busy: the next second asks again */ } finally { running = false; }
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-live]");
    if (!form) return;
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const answer = await fetch(form.action, {
      method: "POST", body: new URLSearchParams(body), headers: { "X-Requested-With": "demo.js" },
    }).catch(() => null);
    const trouble = find("[data-trouble]", form);
    if (trouble) {
      const told = answer && !answer.ok ? await answer.json().catch(() => null) : null;
      trouble.hidden = Boolean(answer && answer.ok);
      trouble.textContent = told ? told.errors[0].message : trouble.hidden ? "" : "The demo did not answer. Try again.";
    }
    if (answer && answer.ok && form.hasAttribute("data-reset")) {
      form.closest("details").open = false;
      find("#orders-title").scrollIntoView({ block: "start" });
    }
    setTimeout(refresh, 150);
  });

  // The inbox: open a mail without losing the place in the list.
  async function swap(url, keep) {
    const answer = await fetch(url);
    if (!answer.ok) { location.href = url; return; }
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const letters = find("[data-letters]");
    find("[data-reader]").replaceChildren(...find("[data-reader]", next).childNodes);
    letters.dataset.open = find("[data-letters]", next).dataset.open;
    document.body.className = next.body.className;
    document.title = next.title;
    letters.querySelectorAll("a.letter").forEach((link) => {
      if (link.pathname.endsWith(`/${letters.dataset.open}`)) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    if (!keep) { find("[data-reader]").focus({ preventScroll: true }); window.scrollTo(0, 0); }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    // How one mail is shown, the next is shown too.
    const url = new URL(link.href);
    if (!link.hasAttribute("data-keep")) url.search = location.search;
    history.pushState(null, "", url);
    swap(url, link.hasAttribute("data-keep"));
  });
  if (listUrl) window.addEventListener("popstate", () => swap(location.href, false));

  setInterval(refresh, stateUrl ? 500 : 1000);
  refresh();
})();
