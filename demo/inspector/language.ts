// A system without a locale gives its browser a language that is no language tag (`C` in WebKitGTK,
// `en-US@posix` in Chromium), and uPlot does not load with one.
try {
  new Intl.NumberFormat(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true })
}
