/** uPlot as a component: made once, fed with columns, as wide as its place. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

interface Props {
  /** Makes the options; called again when `version` changes, since uPlot fixes series and colours at the start. */
  options: () => Omit<uPlot.Options, 'width' | 'height'>;
  version: string;
  height: number;
  data: uPlot.AlignedData;
  /** Ends of the x axis; where absent, the data's. */
  window?: { from?: number | undefined; to?: number | undefined };
  label: string;
  /** What hooks paint over the curves; drawn again when it is another. */
  over?: unknown;
}

export function UplotChart({ options, version, height, data, window, label, over }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const ends = useRef(window);
  ends.current = window;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const own = options();
    const plot = new uPlot(
      {
        ...own,
        width: Math.max(120, element.clientWidth),
        height,
        scales: {
          ...own.scales,
          x: { time: true, range: (_, min, max) => xRange(ends.current, min, max) },
        },
      },
      data,
      element,
    );
    chart.current = plot;
    const observer = new ResizeObserver(() => {
      const width = Math.max(120, element.clientWidth);
      if (width !== plot.width) plot.setSize({ width, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
      chart.current = null;
    };
  }, [version, height]);

  useEffect(() => {
    chart.current?.setData(data);
  }, [data]);

  useEffect(() => {
    chart.current?.redraw(false);
  }, [over]);

  return <div class="chart" ref={place} role="img" aria-label={label} style={{ minHeight: `${height}px` }} />;
}

function xRange(window: Props['window'], min: number | null, max: number | null): [number, number] {
  const from = window?.from ?? min ?? 0;
  const to = window?.to ?? max ?? from + 60;
  return to > from ? [from, to] : [from - 30, from + 30];
}
