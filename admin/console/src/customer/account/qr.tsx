// A QR code as one path of an SVG: black on white in both themes, as cameras want it.
import { encode } from "uqr";
import { createMemo, type JSX } from "solid-js";

export default function Qr(props: { text: string; label: string }): JSX.Element {
  const code = createMemo(() => encode(props.text, { ecc: "M", border: 3 }));
  const path = (): string => code().data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg class="qr" viewBox={`0 0 ${code().size} ${code().size}`} role="img" aria-label={props.label} shape-rendering="crispEdges">
      <path class="qr-light" d={`M0 0h${code().size}v${code().size}h-${code().size}z`} />
      <path class="qr-dark" d={path()} />
    </svg>
  );
}
