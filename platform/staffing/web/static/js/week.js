// The weekly grid: paint a rectangle, move with the arrow keys, or type "Mon–Fri 8–12, Sat 9–13". The checkboxes stay the truth.
(() => {
  "use strict";

  const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const clock = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

  /**
   * Minutes since midnight of "8", "8:30", "8.30", "8am", "12 pm"; null when it is no time. A bare 1 to 6 is the afternoon ("8-12 and
   * 1-5"; "01:00" is the night), and so is an end that would lie before its start ("9 to 5").
   */
  const readTime = (text, after = -1) => {
    const found = /^(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?$/i.exec(text.trim());
    if (!found) return null;
    let hours = Number(found[1]);
    const bare = !found[3] && !found[1].startsWith("0");
    if (found[3]) hours = (hours % 12) + (found[3].toLowerCase() === "pm" ? 12 : 0);
    else if (bare && hours >= 1 && hours <= 6) hours += 12;
    let minutes = hours * 60 + Number(found[2] ?? 0);
    if (bare && minutes <= after && hours < 12) minutes += 720;
    return minutes <= 1440 && minutes > after ? minutes : null;
  };

  const readDay = (text) => {
    const word = text.trim().toLowerCase();
    if (word.length === 1) return { m: 0, w: 2, f: 4 }[word] ?? -1; // T and S could be two days each
    return !word ? -1 : ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].findIndex((day) => day.startsWith(word));
  };

  /** Day numbers (0 = Monday) of "Mon–Fri", "Tue", "weekdays", "daily"; null when it is none. */
  const readDays = (text) => {
    const word = text.trim().toLowerCase();
    if (/^(daily|every day|all days)$/.test(word)) return [0, 1, 2, 3, 4, 5, 6];
    if (/^(weekdays|working days)$/.test(word)) return [0, 1, 2, 3, 4];
    if (/^weekends?$/.test(word)) return [5, 6];
    const days = [];
    for (const part of word.split(/\s*(?:[+&/]|\band\b)\s*|\s+(?![-–—]|to\b)(?<![-–—]\s|\bto\s)/)) {
      const [from, to = from] = part.split(/\s*(?:[-–—]|\bto\b)\s*/).map(readDay);
      if (from < 0 || to < 0) return null;
      for (let day = from; ; day = (day + 1) % 7) {
        days.push(day);
        if (day === to) break;
      }
    }
    return days;
  };

  /** Windows {day, from, to} of a typed line, or {problem} naming the part that was not understood. */
  const readWeek = (text) => {
    const windows = [];
    let days = [0, 1, 2, 3, 4]; // "8–12" alone: the working days, as the line then says
    let waiting = [];
    for (const segment of text.replace(/\s+and\s+(?=\d)/gi, ", ").split(/[,;\n]+/).map((part) => part.trim()).filter(Boolean)) {
      const split = /^(.*?)\s*(\d.*)?$/.exec(segment);
      const dayText = split[1].replace(/:$/, "");
      if (dayText) {
        const read = readDays(dayText);
        if (!read) return { problem: segment };
        days = [...waiting, ...read];
      }
      if (!split[2]) { // "Mon, Wed 8–12": days wait for their time
        waiting = days;
        continue;
      }
      waiting = [];
      const [start, end, more] = split[2].split(/\s*(?:[-–—]|\bto\b)\s*/);
      const from = readTime(start);
      const to = end === undefined || from === null ? null : readTime(end, from);
      if (from === null || to === null || more !== undefined) return { problem: segment };
      for (const day of days) windows.push({ day, from, to });
    }
    return waiting.length ? { problem: text.trim() } : { windows };
  };

  const start = (week) => {
    const step = Number(week.dataset.step);
    const rows = [...week.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("input")]);
    const cells = rows.flat();
    const first = readTime(cells[0].value.slice(2));
    const typed = week.querySelector("[data-week-typed] input");
    const said = week.querySelector("[data-week-said]");
    week.querySelector("[data-week-typed]").hidden = false;

    const windowsOf = (day) => {
      const found = [];
      rows.forEach((row, index) => {
        if (!row[day].checked) return;
        const from = first + index * step;
        if (found.at(-1)?.to === from) found.at(-1).to = from + step;
        else found.push({ from, to: from + step });
      });
      return found.map((window) => `${clock(window.from)}–${clock(window.to)}`).join(", ");
    };

    /** "Mon–Fri 08:00–12:00; Sat 09:00–13:00": neighbouring days with the same hours together. */
    const inWords = () => {
      const groups = [];
      DAYS.forEach((_, day) => {
        const hours = windowsOf(day);
        if (groups.at(-1)?.hours === hours) groups.at(-1).to = day;
        else groups.push({ hours, from: day, to: day });
      });
      return groups.filter((group) => group.hours)
        .map((group) => `${group.from === group.to ? DAYS[group.from] : `${DAYS[group.from]}–${DAYS[group.to]}`} ${group.hours}`).join("; ");
    };

    const total = () => {
      const hours = (cells.filter((cell) => cell.checked).length * step) / 60;
      return hours ? `${inWords()} · ${hours} h a week` : "Nothing chosen yet.";
    };
    /** What is wrong with the typed line: said in words, and the form is not sent with other hours than were typed. */
    const refuse = (sentence) => {
      said.textContent = sentence;
      said.classList.toggle("field-error", sentence !== "");
      typed.setCustomValidity(sentence);
    };
    const show = () => {
      refuse("");
      said.textContent = total();
      if (document.activeElement !== typed) typed.value = inWords();
    };
    const changed = () => {
      show();
      cells[0].dispatchEvent(new Event("change", { bubbles: true }));
    };

    typed.addEventListener("input", (event) => {
      event.stopPropagation();
      const { windows, problem } = readWeek(typed.value);
      if (problem !== undefined) {
        refuse(`Not understood: “${problem}”. Write it like “Mon–Fri 8–12, Sat 9–13”.`);
        return;
      }
      const last = first + rows.length * step;
      const odd = windows.find((window) => window.from < first || window.to > last || (window.from - first) % step || (window.to - first) % step);
      if (odd) {
        const outside = odd.from < first || odd.to > last;
        const way = outside ? "Press “Show all 24 hours” first." : step > 30 ? "Press “Show half hours” first." : `Use steps of ${step} minutes.`;
        refuse(`${clock(odd.from)}–${clock(odd.to)} is not on this grid. ${way}`);
        return;
      }
      rows.forEach((row, index) => row.forEach((cell, day) => {
        const at = first + index * step;
        cell.checked = windows.some((window) => window.day === day && window.from <= at && at < window.to);
      }));
      changed();
    });
    typed.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    typed.addEventListener("blur", () => { if (readWeek(typed.value).windows) show(); });
    week.querySelector("[data-week-clear]").addEventListener("click", () => {
      cells.forEach((cell) => { cell.checked = false; });
      typed.value = "";
      refuse("");
      changed();
    });

    // Painting: the rectangle from the first cell to the one under the pointer takes the opposite of the first cell. A finger taps.
    const where = (target) => {
      const cell = target?.closest?.("label")?.querySelector("input");
      const index = cells.indexOf(cell);
      return index < 0 ? null : { row: Math.floor(index / 7), day: index % 7 };
    };
    let painting = null;
    const paint = (to) => rows.forEach((row, index) => row.forEach((cell, day) => {
      const inside = (a, b, x) => x >= Math.min(a, b) && x <= Math.max(a, b);
      const hit = inside(painting.row, to.row, index) && inside(painting.day, to.day, day);
      cell.checked = hit ? painting.value : painting.before[index * 7 + day];
    }));
    const grid = week.querySelector(".week-grid");
    grid.addEventListener("pointerdown", (event) => {
      const at = where(event.target);
      if (!at || event.button || event.pointerType === "touch") return;
      painting = { ...at, value: !rows[at.row][at.day].checked, before: cells.map((cell) => cell.checked) };
      paint(at);
      rove(rows[at.row][at.day], false);
    });
    grid.addEventListener("pointerover", (event) => {
      const at = painting && where(event.target);
      if (at) paint(at);
    });
    grid.addEventListener("click", (event) => {
      // The painted cell has its value already; the label's own click would take it back.
      if (event.detail && event.pointerType !== "touch" && where(event.target)) event.preventDefault();
    });
    addEventListener("pointerup", () => {
      if (!painting) return;
      painting = null;
      setTimeout(changed); // after the click that follows
    });
    grid.addEventListener("change", (event) => { if (event.isTrusted) show(); });

    // One tab stop; arrows move, with Shift they paint.
    const rove = (cell, focus = true) => {
      cells.forEach((other) => { other.tabIndex = -1; });
      cell.tabIndex = 0;
      if (focus) cell.focus();
    };
    grid.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      const at = move && where(event.target);
      if (!at) return;
      event.preventDefault();
      const next = rows[at.row + move[0]]?.[at.day + move[1]];
      if (!next) return;
      if (event.shiftKey) {
        next.checked = rows[at.row][at.day].checked;
        changed();
      }
      rove(next);
    });

    rove(cells.find((cell) => cell.checked) ?? cells[0], false);
    show();
  };

  const ready = new WeakSet();
  const startAll = () => document.querySelectorAll("[data-week]").forEach((week) => {
    if (ready.has(week)) return;
    ready.add(week);
    start(week);
  });
  document.addEventListener("htmx:after:swap", () => setTimeout(startAll));
  startAll();
})();
