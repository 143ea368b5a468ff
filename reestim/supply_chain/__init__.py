"""Supply chains: rare-earth rows of the input-output table, exposure, relative prices, substitutability."""
