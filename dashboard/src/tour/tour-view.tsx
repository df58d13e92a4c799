// The tour.
export function TourView({ step }: { readonly step: number }) {
  return <p>{step}</p>;
}
