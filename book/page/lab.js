// Draws the labs of a page: from the recorded reports that the page carries, or from the events of a live run.
// One function draws both, so what is recorded looks exactly like what is run.
'use strict';
(() => {
    // Only pages that the study site serves carry a token. Everywhere else, labs show what was recorded.
    const token = document.querySelector('meta[name="study-token"]')?.content;
    const calm = matchMedia('(prefers-reduced-motion: reduce)');
    const LABELS = 72; // px: the column of lane numbers
    const EDGE = 10; // px: room for half of the last tick's label

    // Builds an element. Text always arrives as text, never as markup.
    function make(space, name, attributes, children) {
        const element = space ? document.createElementNS(space, name) : document.createElement(name);
        for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
        element.append(...children);
        return element;
    }
    const html = (name, attributes, ...children) => make(null, name, attributes, children);
    const svg = (name, attributes, ...children) =>
        make('http://www.w3.org/2000/svg', name, attributes, children);
    const ms = us => us < 9950 ? `${(us / 1000).toFixed(1)} ms` : `${Math.round(us / 1000)} ms`;

    // What a drawing is made from; a report and a run in progress both come to this.
    const nothing = () => ({ lanes: [], beats: [], exchanges: [], counters: [], most: 0, report: null });
    function shown(report) {
        const seen = report.observed;
        return {
            lanes: seen.lanes ?? [], beats: seen.heartbeats ?? [], exchanges: seen.exchanges ?? [],
            counters: report.counters, most: seen.most_in_flight ?? 0, report,
        };
    }
    const inHandler = state => state.lanes.filter(lane =>
        lane && lane.started_us != null && lane.answered_us == null && !lane.error).length;
    // The most requests in a handler at once, as far as the client can tell: an answer arrives a little after its
    // handler was left. The report brings the server's own count.
    const overlap = lanes => Math.max(0, ...lanes.map(one => one?.started_us == null ? 0 : lanes.filter(other =>
        other?.started_us != null && other.started_us <= one.started_us && (other.answered_us ?? Infinity) > one.started_us + 2000).length));
    // The end of what there is to draw, in microseconds.
    const extent = state => Math.max(0, state.now ?? 0,
        ...state.lanes.map(lane => lane?.answered_us ?? 0), ...state.beats.map(beat => beat.answered_us ?? 0));
    // Grows in steps, so that the scale of a running lab does not creep.
    function roundUp(us) {
        const power = 10 ** Math.floor(Math.log10(Math.max(us, 1000)));
        return [1, 1.1, 1.25, 1.5, 2, 3, 4, 5, 7.5, 10].map(step => step * power).find(step => step >= us);
    }

    function drawTimeline(state, width, span) {
        const count = Math.max(state.lanes.length, state.expected ?? 0);
        const pitch = Math.max(8, Math.min(18, 300 / Math.max(count, 1)));
        const bar = pitch - 4;
        const chart = width - LABELS - EDGE;
        const x = us => LABELS + Math.min(us / span, 1) * chart;
        const wide = (from, to) => Math.max(x(to) - x(from), 1.5);
        const end = state.now ?? span;
        const rows = [];
        for (let id = 0; id < count; id++) {
            const lane = state.lanes[id] ?? { id };
            const middle = 4 + id * pitch + bar / 2;
            const parts = [];
            if (pitch >= 12 || id % 5 === 4 || id === 0) {
                parts.push(svg('text', { x: LABELS - 8, y: middle, class: 'lab-label' }, String(id + 1)));
            }
            const stopped = lane.answered_us ?? (lane.error ? null : end);
            if (lane.sent_us != null) {
                const until = lane.started_us ?? stopped ?? end;
                parts.push(svg('rect', { class: 'lab-waits', x: x(lane.sent_us), y: middle - 1.5, height: 3,
                    width: wide(lane.sent_us, until) }));
            }
            if (lane.started_us != null) {
                parts.push(svg('rect', { class: 'lab-works', x: x(lane.started_us), y: middle - bar / 2,
                    height: bar, width: wide(lane.started_us, stopped ?? end), rx: 1.5 }));
            }
            if (lane.answered_us != null) {
                const answer = `request ${id + 1}: ${lane.status} after ${ms(lane.answered_us)}`;
                parts.push(svg('title', {}, answer));
            }
            if (lane.error) parts.push(svg('text', { x: LABELS, y: middle, class: 'lab-error' }, lane.error));
            rows.push(svg('g', {}, ...parts));
        }
        const beatY = 4 + count * pitch + 12;
        rows.push(svg('text', { x: LABELS - 8, y: beatY, class: 'lab-label' }, 'heartbeat'));
        for (const beat of state.beats) {
            const to = beat.answered_us ?? end;
            rows.push(svg('rect', { class: 'lab-waits', x: x(beat.sent_us), y: beatY - 1.5, height: 3,
                width: wide(beat.sent_us, to) }));
            if (beat.answered_us != null) {
                rows.push(svg('line', { class: 'lab-beat', x1: x(to), x2: x(to), y1: beatY - 6, y2: beatY + 6 }));
            }
        }
        const axisY = beatY + 14;
        const step = roundUp(span / 4.2);
        rows.push(svg('line', { class: 'lab-axis', x1: LABELS, x2: LABELS + chart, y1: axisY, y2: axisY }));
        for (let us = 0; us <= span * 1.001; us += step) {
            rows.push(svg('line', { class: 'lab-axis', x1: x(us), x2: x(us), y1: axisY, y2: axisY + 4 }));
            const label = us + step > span * 1.001 ? `${us / 1000} ms` : String(us / 1000);
            rows.push(svg('text', { class: 'lab-tick', x: x(us), y: axisY + 16 }, label));
        }
        const height = axisY + 22;
        const says = `${count} requests over ${ms(extent(state))}, at most ${state.most} in a handler at once`;
        const picture = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': says },
            ...rows);
        const gauge = html('p', { class: 'lab-gauge' }, 'in flight now ', html('b', {}, String(inHandler(state))),
            ', most ', html('b', {}, String(state.most)), ` of ${count}`);
        const key = html('p', { class: 'lab-key', 'aria-hidden': 'true' }, html('i', { class: 'key-waits' }), 'waits ',
            html('i', { class: 'key-works' }), 'in the handler ', html('i', { class: 'key-beat' }), 'heartbeat answered');
        return [gauge, picture, key];
    }

    // A token is recognised by its beginning and its end. A sentence has to be read, so what has a space in it stays whole.
    const cut = text => text.length > 28 && !text.includes(' ') ? `${text.slice(0, 12)}…${text.slice(-8)}` : text;
    // JSON on one line, long texts cut.
    const short = value => JSON.stringify(value, (_, part) => typeof part === 'string' ? cut(part) : part);

    function drawTranscript(state, steps) {
        const items = steps.map((step, index) => {
            const exchange = state.exchanges[index];
            if (!exchange) return html('li', { class: 'lab-pending' }, step.says);
            const { method, path, bearer, body } = exchange.request;
            const sent = [method, path, bearer ? `Bearer ${cut(bearer)}` : '', body ? short(body) : ''];
            const status = String(exchange.status ?? 'no answer');
            return html('li', {}, exchange.says,
                html('code', { class: 'lab-sent' }, sent.filter(Boolean).join(' ')),
                html('code', { class: 'lab-answer' }, html('b', { class: `lab-status status-${status[0]}` }, status), ' ',
                    exchange.body === null || exchange.body === '' ? '' : short(exchange.body)));
        });
        return [html('ol', { class: 'lab-steps' }, ...items)];
    }

    function drawCount(state, most) {
        const bars = state.counters.flatMap(({ name, value }) => [
            html('dt', {}, name),
            html('dd', {}, html('b', {}, String(value)),
                svg('svg', { width: '100%', height: 14, 'aria-hidden': 'true' },
                    svg('rect', { class: 'lab-works', width: `${Math.max(value / most * 100, value ? 0.8 : 0)}%`,
                        height: 14, rx: 1.5 }))),
        ]);
        const seen = state.report?.observed;
        const answered = seen ? `${seen.succeeded} of ${seen.sent} requests answered with a 2xx status` : 'running';
        return [html('dl', { class: 'lab-counts' }, ...bars), html('p', { class: 'lab-key' }, answered)];
    }

    function verdict({ holds, findings }) {
        const rows = findings.map(finding => html('li', {},
            html('b', { class: finding.holds ? 'lab-holds' : 'lab-fails' }, finding.holds ? 'holds' : 'fails'),
            html('span', {}, ` ${finding.subject}, ${finding.measure}: ${finding.seen}`,
                finding.holds ? '' : ` (expected ${finding.expected})`)));
        const meanings = new Set(findings.filter(finding => !finding.holds).map(finding => finding.meaning));
        return [html('p', { class: 'lab-word' }, holds ? 'It holds.' : 'It does not hold.'), html('ul', {}, ...rows),
            ...[...meanings].map(meaning => html('p', { class: 'lab-meaning' }, meaning))];
    }

    // The text twin of a drawing.
    function table(state) {
        const at = us => us == null ? '' : ms(us);
        const rows = state.lanes.length ? [['request', 'sent', 'in the handler', 'answered', 'status'],
            ...state.lanes.map(lane => [lane.id + 1, at(lane.sent_us), at(lane.started_us), at(lane.answered_us),
                lane.status ?? lane.error ?? 'no answer']),
            ...state.beats.map(beat => ['heartbeat', at(beat.sent_us), '', at(beat.answered_us), ''])]
            : state.exchanges.length ? [['step', 'request', 'status', 'body'],
                ...state.exchanges.map(e => [e.says, `${e.request.method} ${e.request.path}`, e.status ?? 'no answer', short(e.body)])]
                : [['counted', 'how many'], ...state.counters.map(counter => [counter.name, counter.value])];
        const [head, ...body] = rows.map((cells, row) =>
            html('tr', {}, ...cells.map(cell => html(row ? 'td' : 'th', {}, String(cell)))));
        return html('div', { class: 'table-wrapper' }, html('table', {}, html('thead', {}, head), html('tbody', {}, ...body)));
    }

    // One column of a lab.
    class Side {
        constructor(lab, root) {
            this.lab = lab;
            this.root = root;
            this.part = name => root.querySelector(`.lab-${name}`);
            this.choice = this.part('choice');
            this.choice?.addEventListener('change', () => this.show());
            this.when = html('span', { class: 'lab-when' });
            this.part('head').append(this.when);
            if (token) {
                this.button = html('button', { type: 'button', class: 'lab-run' }, 'Run');
                this.button.addEventListener('click', () => lab.start([this]));
                this.part('head').append(this.button);
            }
        }
        get variant() {
            return this.choice?.value ?? this.part('variant').textContent;
        }
        // Shows the last report of the chosen variant.
        show() {
            const { report, live } = this.lab.reports.get(this.variant);
            this.state = shown(report);
            this.part('says').textContent = this.lab.variants.get(this.variant).says;
            const turned = this.lab.experiment.controls.filter(c => report.controls[c.name] !== c.default)
                .map(c => `${c.label} ${report.controls[c.name]}`);
            this.when.textContent = [live ? 'just now' : 'recorded', ...turned].join(', ');
            this.part('verdict').replaceChildren(...verdict(report.verdict));
            this.twin(table(this.state));
            this.lab.draw();
        }
        twin(...tables) {
            const twin = this.part('twin');
            twin.replaceChildren(twin.firstElementChild, ...tables);
        }
        clear(controls) {
            this.state = { ...nothing(), expected: controls.requests, now: 0 };
            this.when.textContent = 'waits for its turn';
            this.part('verdict').replaceChildren();
            this.twin();
            this.lab.draw();
        }
        async run(controls, signal) {
            this.when.textContent = 'running';
            const { lesson, experiment } = this.lab;
            const answer = await fetch(`/lab/${lesson}/${experiment.slug}/${this.variant}`, {
                method: 'POST', signal, body: JSON.stringify(controls),
                headers: { 'content-type': 'application/json', 'x-study-token': token },
            });
            if (!answer.ok) throw new Error((await answer.json()).detail);
            const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            for (let rest = ''; ;) {
                const { value, done } = await reader.read();
                if (done) break;
                const blocks = (rest + value).split('\n\n');
                rest = blocks.pop();
                for (const block of blocks) this.hear(block);
            }
            this.show();
        }
        hear(block) {
            const field = name => block.split('\n').find(line => line.startsWith(`${name}:`))?.slice(name.length + 1).trim();
            const data = JSON.parse(field('data') ?? 'null');
            const state = this.state;
            switch (field('event')) {
                case 'lane': {
                    state.lanes[data.id] = data;
                    state.most = overlap(state.lanes);
                    const at = Math.max(data.sent_us ?? 0, data.started_us ?? 0, data.answered_us ?? 0);
                    // The page's clock and the run's differ; the event that came with the least delay tells by how much.
                    state.now = Math.max(state.now, at);
                    state.offset = Math.min(state.offset ?? Infinity, performance.now() * 1000 - at);
                    break;
                }
                case 'exchange': state.exchanges.push(data); break;
                case 'counts': state.counters = data; break;
                case 'report': this.lab.reports.set(this.variant, { report: data, live: true }); break;
            }
            this.lab.draw();
        }
    }

    class Lab {
        constructor(root) {
            const data = JSON.parse(root.querySelector('.lab-data').textContent);
            Object.assign(this, { root, lesson: data.lesson, experiment: data.experiment });
            this.variants = new Map(data.experiment.variants.map(variant => [variant.name, variant]));
            this.reports = new Map(data.recording.reports.map(report => [report.variant, { report, live: false }]));
            this.source = root.querySelector('.lab-source');
            this.form = root.querySelector('.lab-controls');
            this.sides = [...root.querySelectorAll('.lab-side')].map(side => new Side(this, side));
            for (const side of this.sides) side.show();
            if (token) {
                this.form.hidden = false;
                this.form.addEventListener('submit', event => { event.preventDefault(); this.start(this.sides); });
            } else {
                this.source.append(' ', html('code', {}, 'cargo study'), ' runs it live on your machine.');
            }
            this.button = this.form.querySelector('.lab-run');
            new ResizeObserver(() => this.draw()).observe(root);
        }
        // Runs these sides one after the other: at the same time they would share the processor and spoil the picture.
        async start(sides) {
            if (this.abort) return this.abort.abort();
            if (!this.form.reportValidity()) return;
            const controls = Object.fromEntries([...new FormData(this.form)].map(([name, value]) => [name, Number(value)]));
            this.abort = new AbortController();
            this.busy(true);
            this.source.textContent = 'Running on this machine, one side after the other.';
            if (!calm.matches) this.animate();
            try {
                for (const side of sides) side.clear(controls);
                for (const side of sides) await side.run(controls, this.abort.signal);
                this.source.textContent = 'Run on this machine, just now.';
            } catch (error) {
                const stopped = error.name === 'AbortError';
                this.source.textContent = stopped ? 'Stopped. The last reports are shown.' : `Not run: ${error.message}`;
                for (const side of this.sides) side.show();
            }
            this.abort = null;
            this.busy(false);
            this.draw();
        }
        busy(running) {
            this.button.textContent = running ? 'Stop' : 'Run both';
            for (const { button, choice } of this.sides) {
                button.disabled = running;
                if (choice) choice.disabled = running;
            }
        }
        animate() {
            if (!this.abort) return;
            for (const { state } of this.sides) {
                if (state.offset != null && !state.report) state.now = Math.max(state.now, performance.now() * 1000 - state.offset);
            }
            this.draw();
            requestAnimationFrame(() => this.animate());
        }
        draw() {
            const ready = this.sides.filter(side => side.state);
            const span = roundUp(Math.max(...ready.map(side => extent(side.state))));
            const most = Math.max(1, ...ready.flatMap(side => side.state.counters.map(counter => counter.value)));
            for (const { state, part } of ready) {
                const drawing = part('drawing');
                const width = Math.max(drawing.clientWidth, 240);
                const kind = this.experiment.plan.kind;
                drawing.replaceChildren(...kind === 'timeline' ? drawTimeline(state, width, span)
                    : kind === 'transcript' ? drawTranscript(state, this.experiment.plan.steps) : drawCount(state, most));
            }
        }
    }

    for (const root of document.querySelectorAll('section.lab')) new Lab(root);
})();
