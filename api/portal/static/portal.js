// The portal works without this file; it only spares people a reload and some typing.
(() => {
  // A page of work in progress renews its part until the work is done.
  const renew = async (part) => {
    try {
      const answer = await fetch(part.dataset.renewFrom || location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector("[data-renew]");
      if (!next) return location.reload();
      if (next.innerHTML !== part.innerHTML) part.innerHTML = next.innerHTML;
    } catch { /* the connection is gone for now: try again */ }
    setTimeout(renew, Number(part.dataset.renew), part);
  };
  for (const part of document.querySelectorAll("[data-renew]")) setTimeout(renew, Number(part.dataset.renew), part);

  // A form is sent once, however often its button is pressed; its text stays as it is until the answer comes.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) { delete form.dataset.sent; form.removeAttribute("aria-busy"); }
  });
})();
