// A live uPlot chart (the library is a script of the page: its module form is three times as large). The server pushes bytes (see ChartFeed): everything at first, then only what is new.

const uPlot = window.uPlot;
const height = 190;
const inks = {
    light: { text: "#566072", grid: "#e6e9ee" },
    dark: { text: "#a0abba", grid: "#2c343f" },
};

export function create(element, options) {
    return new LineChart(element, options);
}

class LineChart {
    constructor(element, options) {
        this.element = element;
        this.options = options;
        this.dark = options.dark;
        this.columns = options.lines.length * (options.dimmed ? 2 : 1);
        this.data = Array.from({ length: this.columns + 1 }, () => []);
        this.marks = [];
        // What the curves hold, a copy, for tests and the console.
        element.curves = () => this.data.map(column => [...column]);
        this.build();
        this.observer = new ResizeObserver(() => this.fit());
        this.observer.observe(element);
    }

    build() {
        const { lines, dimmed, logarithmic, least, most, bySteps, language, xTitle } = this.options;
        const ink = inks[this.dark ? "dark" : "light"];
        const axis = { stroke: () => ink.text, grid: { stroke: ink.grid, width: 1 }, ticks: { stroke: ink.grid, width: 1, size: 4 }, font: "11px system-ui, sans-serif" };
        const one = (line, faint) => ({
            label: faint ? `${line.label} (${dimmed})` : line.label,
            stroke: faint ? line.color + "59" : line.color,
            width: faint ? 1 : line.width,
            dash: line.dashed ? [6, 5] : undefined,
            points: { show: false },
            spanGaps: false,
            value: (_, v) => v == null ? "–" : format(v),
        });
        const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
        const day = new Intl.DateTimeFormat(language, { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
        const times = (_, splits) => splits.map(s => (splits.length > 1 && splits.at(-1) - splits[0] > 86400 ? day : clock).format(s * 1000));
        this.plot?.destroy();
        this.plot = new uPlot({
            width: Math.max(this.element.clientWidth, 120),
            height,
            padding: [8, 26, 0, 0],
            cursor: { sync: { key: bySteps ? "mcn-step" : "mcn-time" }, drag: { x: true, y: false } },
            legend: { live: true },
            hooks: { draw: [plot => this.drawMarks(plot, ink)] },
            scales: {
                x: { time: !bySteps },
                y: logarithmic ? { distr: 3 } : { range: (_, min, max) => range(min, max, least, most) },
            },
            axes: [
                { ...axis, size: 30, values: bySteps ? (_, s) => s.map(format) : times, space: bySteps ? 60 : 80 },
                { ...axis, size: 52, values: (_, s) => s.map(v => v == null ? "" : format(v)) },
            ],
            series: [
                { label: xTitle, value: (_, v) => v == null ? "–" : bySteps ? Math.round(v).toLocaleString(language) : clock.format(v * 1000) },
                ...lines.map(line => one(line, false)),
                ...(dimmed ? lines.map(line => one(line, true)) : []),
            ],
        }, this.data, this.element);
    }

    // Kind, columns, rows, spare; x as float64, columns as float32. NaN is a gap, which uPlot calls null.
    push(bytes) {
        const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
        const head = new DataView(buffer);
        const anew = head.getInt32(0, true) === 1, columns = head.getInt32(4, true), rows = head.getInt32(8, true);
        if (columns !== this.columns) return;
        if (anew) this.data = Array.from({ length: columns + 1 }, () => []);
        append(this.data[0], new Float64Array(buffer, 16, rows));
        for (let c = 0; c < columns; c++) append(this.data[c + 1], new Float32Array(buffer, 16 + rows * 8 + c * rows * 4, rows));
        this.soon();
    }

    // Moments that explain the curve: x, sign, text.
    mark(marks) {
        this.marks = marks;
        this.element.dataset.marks = marks.map(one => one.sign).join(" ");
        this.element.title = marks.map(one => `${one.sign} ${one.text}`).slice(-8).join("\n");
        this.soon();
    }

    drawMarks(plot, ink) {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.strokeStyle = ctx.fillStyle = ink.text;
        ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
        ctx.textAlign = "center";
        ctx.textBaseline = "top";
        ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
        for (const { x, sign } of this.marks) {
            const at = plot.valToPos(x, "x", true);
            if (!(at >= bbox.left && at <= bbox.left + bbox.width)) continue;
            ctx.beginPath();
            ctx.moveTo(at, bbox.top + 12 * devicePixelRatio);
            ctx.lineTo(at, bbox.top + bbox.height);
            ctx.stroke();
            ctx.fillText(sign, at, bbox.top);
        }

        ctx.restore();
    }

    // At most one drawing a frame; none while the tab is hidden, the newest state when it comes back.
    soon() {
        if (this.frame) return;
        this.frame = requestAnimationFrame(() => {
            this.frame = 0;
            const zoomed = this.plot.data[0].length > 1 && this.plot.scales.x.min > this.plot.data[0][0];
            this.plot.setData(this.data, !zoomed);
            if (zoomed) this.plot.redraw();
            this.element.dataset.points = this.data[0].length;
            this.element.dataset.lastX = this.data[0].at(-1) ?? "";
        });
    }

    paint(dark) {
        this.dark = dark;
        this.build();
    }

    fit() {
        const width = this.element.clientWidth;
        if (width > 0 && Math.abs(width - this.plot.width) > 1) this.plot.setSize({ width, height });
    }

    dispose() {
        this.observer.disconnect();
        cancelAnimationFrame(this.frame);
        this.plot.destroy();
    }
}

function append(list, values) {
    for (const value of values) list.push(Number.isNaN(value) ? null : value);
}

function range(min, max, least, most) {
    if (min == null) return [least ?? 0, most ?? 1];
    const space = max > min ? (max - (least ?? min)) * 0.06 : Math.abs(max) * 0.1 || 1;
    return [least ?? min - space, most ?? max + space];
}

function format(value) {
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size < 0.001 || size >= 1e7) return value.toExponential(1).replace("e+", "e");
    return value.toLocaleString("en-US", { maximumSignificantDigits: size >= 1000 ? 7 : 4 });
}
