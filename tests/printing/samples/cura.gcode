;FLAVOR:Marlin
;TIME:3485
;Filament used: 1.23m, 0.5m
;Layer height: 0.2
;MINX:90
;MINY:90
;MINZ:0.2
;MAXX:110
;MAXY:110
;MAXZ:20
;TARGET_MACHINE.NAME:Creality Ender-3
;Generated with Cura_SteamEngine 5.8.1
M82 ;absolute extrusion mode
;LAYER_COUNT:100
;LAYER:0
G90
G28
G1 X10 Y10 F3000
G1 X20 Y10 E1.2 F3000
M84
;TIME_ELAPSED:3485.2
;End of Gcode
