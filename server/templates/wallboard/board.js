// Shows each new board as it comes, counts ages in between, and says so when nothing comes any more.
(() => {
  const board = document.getElementById('board'), lost = document.getElementById('lost'), text = document.getElementById('lost-text'), since = document.getElementById('lost-for');
  const SILENCE = 12000; // the node sends at least every 5 s
  let stream, heard = Date.now(), broken = false, skew = 0, at = 0;

  const two = n => String(n).padStart(2, '0');
  const time = ms => { const d = new Date(ms); return [d.getHours(), d.getMinutes(), d.getSeconds()].map(two).join(':'); };
  const span = ms => { const s = Math.max(0, Math.floor(ms / 1000)); return s < 120 ? `${s} s` : s < 7200 ? `${Math.floor(s / 60)} min` : s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`; };
  const clock = ms => { const s = Math.max(0, Math.floor(ms / 1000)); return `${two(Math.floor(s / 60))}:${two(s % 60)}`; };

  function read() {
    at = Number(board.querySelector('[data-now]')?.dataset.now) || Date.now();
    skew = at - Date.now();
    tick();
  }
  function tick() {
    const now = Date.now() + skew, silent = Date.now() - heard;
    const el = document.getElementById('clock');
    if (el) el.textContent = time(now);
    for (const e of board.querySelectorAll('[data-since]')) e.textContent = span(now - Number(e.dataset.since));
    for (const e of board.querySelectorAll('[data-clock]')) e.textContent = clock(now - Number(e.dataset.clock));
    const bad = broken || silent > SILENCE;
    document.body.classList.toggle('lost', bad);
    lost.hidden = !bad;
    // Said once, not each second: a screen reader would repeat it.
    const said = `Connection lost, data from ${time(at)}`;
    if (bad && text.textContent !== said) text.textContent = said;
    if (bad) since.textContent = `(${span(now - at)} ago)`;
    // A stream that was refused is closed for good, and one that hangs never says so: begin again.
    if (stream.readyState === EventSource.CLOSED || silent > SILENCE * 2) { heard = Math.max(heard, Date.now() - SILENCE - 1); open(); }
  }
  function open() {
    stream?.close();
    stream = new EventSource('/wallboard/events');
    stream.addEventListener('board', e => { heard = Date.now(); broken = false; board.innerHTML = e.data; read(); });
    stream.addEventListener('closed', () => location.reload());
    stream.onerror = () => { broken = true; };
  }
  open();
  read();
  setInterval(tick, 1000);
})();
