"""Gender and age from faces, as the paper's section 6.1 measured them (Table 2), beside PAR's own answers."""
