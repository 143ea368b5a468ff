"""An independent oracle: the second edition of docs/model.md, sections 2 and 3, in levels. Shares no code with reestim.

``world.py`` holds a baseline, ``technology.py`` research and unit costs, ``equations.py`` the equilibrium that
``solver.py`` finds; ``random_worlds.py`` makes worlds, ``splits.py`` cuts them. NumPy and SciPy, for small economies.

What docs/model.md leaves open is chosen so:

Research. Makers of ideas maximise θ′·ln A + (1−θ′)·ln B on the frontier and take the cost shares θ′ (at A^(1+ξ),
B^(1+ξ)) as given; the fixed point is found numerically. A country's own response is what it would choose at its own
relative price alone; diffusion mixes these responses with weights of baseline revenue among the users of a sector, and
A, B are the point of the country's own frontier with the mixed bias. ln T = ω·θ·ln A, θ of the baseline.
The clock (2b) follows the mixed response.

Mines. The resource's share r is its ``factor_share`` in the element's own sector. Another r leaves trade, expenditure
and the proportions of a mine's other costs as they are; final demand is again the residual of the accounts.

Tonnes. The producer's price per tonne before border taxes is data, by country and sector. Tonnes are producers' revenue
over that price, counted at the gate (before iceberg melt). Tonnes of a carrier are its own, not its content.

Licences. Every quota and licence is a pool of cells (importer, exporter, sector) with one price r per tonne; pools
``at_mine`` count all that is mined, own use included. The price at the gate is what a buyer at home pays:
p′ = (1 − subsidy)·c·margin + price of production licences; export taxes and tariffs are levied on it; r is added after
the export tax, 1+x′ = 1+x+r/p′, and tariffs are levied on the sum. A cell in two pools pays both. Exports leave the
country: sales at home are never counted. Leakage is a fraction of the quota that leaves beside it, at the same price
abroad; what smugglers earn is their country's income. Rents go to the households of the exporter (or of the mine's
country), but for the share ``waste``.

Waste. Rent that is lost to nobody's gain is spent on the exporter's final bundle (paperwork and delay use goods and
labour) and enters nobody's income. Taking it out of income without spending it would break Walras' law.

Also: subsidies are a fraction of what producers earn, out of the country's income; recycled material sells at the
purchaser's price, is income of the user's country and counts in nobody's tonnes; deficits are fixed; the numéraire is
world factor income.
"""
