package testresult

// files finds the paths that a test names in its output, as plugins of Jenkins
// and GitLab have it: [[ATTACHMENT|path]]. Outputs come in parts.
type files struct {
	of     *draft
	seen   int // of the mark
	inPath bool
	path   []byte
}

const fileMark = "[[ATTACHMENT|"

func (f *files) find(p []byte) {
	for i := 0; i < len(p); i++ {
		c := p[i]
		if f.inPath {
			f.part(c)
			continue
		}
		switch {
		case c == fileMark[f.seen]:
			if f.seen++; f.seen == len(fileMark) {
				f.seen, f.inPath, f.path = 0, true, f.path[:0]
			}
		case c == '[':
			f.seen = min(f.seen, 2)
		default:
			f.seen = 0
		}
	}
}

// part takes in a byte of a path.
func (f *files) part(c byte) {
	last := len(f.path) - 1
	switch {
	case c == ']' && last >= 0 && f.path[last] == ']':
		f.of.attach(f.path[:last])
		f.inPath = false
	case c == '\n' || last > mostValue:
		f.inPath = false
	default:
		f.path = append(f.path, c)
	}
}
