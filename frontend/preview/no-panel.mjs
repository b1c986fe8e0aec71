// In the place of lil-gui: gcode-preview's developer panel, which writes inline style, is not part of the bundle.
export class GUI {}
