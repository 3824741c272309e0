"""Charts as SVG, made on the server. Each has a title and a description; the page puts the numbers in a table behind it.

Shapes, line styles and words carry the meaning, so that a chart reads in black and white. Colours and fonts come
from the stylesheet through class names: the Content-Security-Policy allows no style in the markup.
"""
