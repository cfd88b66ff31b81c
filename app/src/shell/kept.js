// What is typed, chosen or ticked before the page reacts stays: the page's first drawing would put its own values over it
// and never hear of it. `look` right before the first drawing, `giveBack` right after.
window.kept = (() => {
  const held = new Map();
  const ticks = field => field.type === 'checkbox' || field.type === 'radio';
  const now = field => ticks(field) ? field.checked : field.value;
  const chosen = options => options.find(o => o.defaultSelected) ?? options[0];
  const asSent = field => {
    if (ticks(field)) return field.defaultChecked;
    return field.options ? chosen([...field.options])?.value : field.defaultValue;
  };
  const hold = field => {
    // What was chosen last comes last.
    held.delete(field);
    held.set(field, now(field));
  };
  const hear = event => event.target.matches?.('input:not([type=file]), textarea, select') && hold(event.target);
  const events = ['input', 'change'];
  events.forEach(kind => addEventListener(kind, hear, true));
  const give = ([held, was]) => {
    // Drawn anew meanwhile, it has its name still.
    const field = held.isConnected ? held : held.id && document.getElementById(held.id);
    if (!field) return;
    if (ticks(field)) {
      // Another one of a group of radio buttons takes it away from this one.
      if (field.checked !== was && (was || field.type === 'checkbox')) field.click();
      return;
    }
    if (field.options && ![...field.options].some(o => o.value === was)) return;
    if (field.value !== was) field.value = was;
    events.forEach(kind => field.dispatchEvent(new Event(kind, { bubbles: true })));
  };
  return {
    // What the browser filled in by itself, after a reload, was told by no event.
    look: () => document.querySelectorAll('input:not([type=file]), textarea, select').forEach(field => {
      if (!held.has(field) && now(field) !== asSent(field)) hold(field);
    }),
    giveBack: () => {
      events.forEach(kind => removeEventListener(kind, hear, true));
      [...held].forEach(give);
      held.clear();
    },
  };
})();
