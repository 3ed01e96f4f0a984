# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts that look at a page as a reader, a listener or a person without a mouse would meet it."""

# What can be focused and is seen. Closed <details> hide their content from this as from people.
INTERACTIVE = """() => [...document.querySelectorAll(
    'a[href], button, input, select, summary, canvas[tabindex], [tabindex="0"]')]
  .filter(element => !element.disabled && element.checkVisibility({visibilityProperty: true})
    && element.getClientRects().length > 0)"""

COUNT_INTERACTIVE = f"() => ({INTERACTIVE})().length"

# The name by which assistive technology calls an element, as far as this page makes names.
NAMELESS = f"""() => ({INTERACTIVE})().filter(element => {{
    const text = element.getAttribute('aria-label') || element.textContent.trim()
      || [...(element.labels || [])].map(label => label.textContent.trim()).join(' ');
    return !text;
  }}).map(element => element.outerHTML.slice(0, 120))"""

FOCUSED = f"""() => {{
    const all = ({INTERACTIVE})();
    const element = document.activeElement;
    const style = getComputedStyle(element);
    return {{place: all.indexOf(element), tag: element.outerHTML.slice(0, 120),
      outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth)}};
  }}"""

# Contrast by WCAG 2.2: (lighter + 0.05) / (darker + 0.05) of relative luminances. Disabled controls
# are exempt there, and so they are here.
LOW_CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const channels = color => {
      canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map(c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const over = (top, ground, alpha) => top.slice(0, 3).map((c, i) => c * alpha + ground[i] * (1 - alpha));
    const groundOf = element => {
      const stack = [];
      for (let e = element; e; e = e.parentElement) stack.unshift(getComputedStyle(e).backgroundColor);
      return stack.reduce((ground, color) => { const c = channels(color); return over(c, ground, c[3] / 255); }, [255, 255, 255]);
    };
    const found = [];
    const look = (element, color, opacity, text) => {
      const ground = groundOf(element);
      const top = channels(color);
      const a = luminance(over(top, ground, opacity * top[3] / 255)), b = luminance(ground);
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (contrast < 4.5) found.push([contrast.toFixed(2), text.trim().slice(0, 40)]);
    };
    let count = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent;
      if (!text.trim() || element.closest('script, style, noscript, title, :disabled, .visually-hidden')) continue;
      if (!element.checkVisibility({visibilityProperty: true})) continue;
      const style = getComputedStyle(element);
      // Labels of an axis for which there is no room are there, but not seen.
      if (element instanceof SVGElement && Number(element.getAttribute('opacity') ?? 1) === 0) continue;
      count += 1;
      look(element, element instanceof SVGElement ? style.fill : style.color,
        Number(element instanceof SVGElement ? element.getAttribute('opacity') ?? 1 : 1), text);
    }
    return {count, found};
  }"""

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

CARDS = """() => [...document.querySelectorAll('.card')].map(card => ({key: card.dataset.key,
    value: JSON.parse(card.dataset.value), text: card.querySelector('.card-value').textContent}))"""

# Something has been drawn on a canvas: not every pixel is the same.
HAS_INK = """canvas => { const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const first = new Uint32Array(data.buffer); return first.some(pixel => pixel !== first[0]); }"""
