; HEADER_BLOCK_START
; BambuStudio 02.04.00.70
; model printing time: 11m 15s; total estimated time: 18m 15s
; total layer number: 90
; total filament length [mm] : 932.21,67.79
; total filament volume [cm^3] : 2242.18,163.05
; total filament weight [g] : 2.83,0.20
; filament_density: 1.26,1.26
; filament_diameter: 1.75,1.75
; max_z_height: 18.00
; filament: 1,2
; HEADER_BLOCK_END

; CONFIG_BLOCK_START
; filament_type = PLA;PLA
; layer_height = 0.2
; nozzle_diameter = 0.4
; CONFIG_BLOCK_END

G90
G28
G1 X10 Y10 F3000
G1 X20 Y10 E1.2 F3000
M84
