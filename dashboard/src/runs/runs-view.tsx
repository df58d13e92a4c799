// Recorded runs: the list of them, or one of them under a slider.
export function RunsView({ run }: { readonly run: string | null }) {
  return <p>{run}</p>;
}
