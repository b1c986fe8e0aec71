;FLAVOR:Marlin
;TIME:6666
;Filament used: 0m
;Layer height: 0.1
;MINX:2.14748e+06
;Generated with Cura_SteamEngine 4.13.0
G90
G28
G1 X10 Y10 F3000
G1 X20 Y10 E1.2 F3000
M84
