/** What this version brings into the manifests folder. */
export interface PackagedAddon {
  /** In the manifests folder; without its extension also the name for --disable. */
  readonly fileName: string
  readonly yaml: string
}
