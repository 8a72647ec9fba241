// Turns the choices of k into a slider. Without this file they are a table and a list to unfold.
(() => {
  for (const part of document.querySelectorAll("[data-choice]")) {
    const slider = part.querySelector("input[type=range]");
    const rows = [...part.querySelectorAll("tr[data-k]")];
    const button = part.querySelector("button");
    const told = part.querySelector("[role=status]");
    const show = (k, tell) => {
      slider.value = rows.findIndex((row) => row.dataset.k === k);
      part.querySelector("output").textContent = k;
      for (const marked of part.querySelectorAll("tr[data-k], svg [data-k]")) marked.classList.toggle("now", marked.dataset.k === k);
      let sentence = "";
      for (const panel of part.querySelectorAll("details[data-k]")) {
        panel.hidden = panel.dataset.k !== k;
        if (!panel.hidden) { panel.open = true; sentence = panel.querySelector(".sentence").textContent; }
      }
      const row = rows.find((one) => one.dataset.k === k);
      sentence ||= row.textContent.replace(/\s+/g, " ").trim();
      slider.setAttribute("aria-valuetext", `k = ${k}`);
      if (tell) told.textContent = sentence;
      const radio = row.querySelector("input[type=radio]");
      if (radio && !radio.disabled) radio.checked = true;
      if (button) button.disabled = !radio || radio.disabled || k === part.dataset.choice;
    };
    part.classList.add("sliding");
    part.querySelector(".slide").hidden = false;
    slider.addEventListener("input", () => show(rows[slider.value].dataset.k, true));
    part.addEventListener("change", (event) => { if (event.target.name === "k") show(event.target.value, true); });
    show(part.dataset.choice, false);
  }
})();
