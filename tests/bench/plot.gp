# What the plots of tests/bench/plot.bash have in common.
set terminal svg size 640,360 font "DejaVu Sans,sans-serif,12" background "white"
set border 3 linecolor "#555555"
set tics nomirror textcolor "#333333"
set grid linecolor "#dddddd" linewidth 1
set key below samplen 4
set datafile separator " "
# To be told apart without colours, too.
set linetype 1 linecolor "#154273" linewidth 2.5 dashtype 1 pointtype 7 pointsize 0.6
set linetype 2 linecolor "#888888" linewidth 2.5 dashtype 2 pointtype 5 pointsize 0.6
set linetype 3 linecolor "#c75000" linewidth 2.5 dashtype 4 pointtype 9 pointsize 0.7
set yrange [0:*]
