"""Colours of the racers."""

# Told apart also without red or green receptors (Machado et al. 2009, severity 1): the
# least distance in OKLab, times 100, between any two is 9.7 and to the colours of the
# heights 9.2; Okabe and Ito's eight have 7.6 and 0.9.
PALETTE = (
    "#4037ff", "#ff770d", "#08b86e", "#ba3516", "#fffe41", "#6c9dff", "#370099",
    "#740000", "#141414",
)  # fmt: skip
