package store

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// TestTurns are taken in the order in which they were asked for; another chain
// doesn't wait, and who gives up is passed over.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all turns
		a, b := uuid.New(), uuid.New()
		done, err := all.take(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		for i := range 4 {
			ctx, cancel := context.WithCancel(t.Context())
			if i == 1 {
				cancel()
			}
			go func() {
				defer cancel()
				done, err := all.take(ctx, a)
				if err != nil {
					if i != 1 || !errors.Is(err, context.Canceled) {
						t.Error(i, err)
					}
					return
				}
				order = append(order, i)
				done()
			}()
			synctest.Wait()
		}
		other, err := all.take(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		other()
		if len(order) > 0 {
			t.Errorf("%v went before the first was done", order)
		}
		done()
		synctest.Wait()
		if !slices.Equal(order, []int{0, 2, 3}) {
			t.Errorf("the order was %v", order)
		}
		if len(all.chains) > 0 {
			t.Errorf("%d chains are remembered", len(all.chains))
		}
	})
}

// TestTogetherTakesTurns: who has worked for others goes, however many more
// there are; the next of them works on.
func TestTogetherTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group together[int]
		gone, open := make(chan int, 5), make(chan bool)
		for item := range 4 {
			go func() {
				_ = group.do(t.Context(), item, func(context.Context, []int) error { <-open; return nil })
				gone <- item
			}()
			synctest.Wait()
		}
		open <- true
		synctest.Wait()
		if len(gone) != 1 || <-gone != 0 {
			t.Error("the first works on, or others are done")
		}
		go func() { _ = group.do(t.Context(), 4, func(context.Context, []int) error { return nil }) }()
		synctest.Wait()
		open <- true
		synctest.Wait()
		if len(gone) != 3 || group.busy {
			t.Errorf("%d are done in the end; want 3", len(gone))
		}
	})
}

// TestTogetherIsLeft: who doesn't wait any more leaves, and its turn goes to the
// next; whose item is being stored stays.
func TestTogetherIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		group := together[int]{hasty: true, most: 2}
		var runs [][]int
		open, results := make(chan bool), make([]error, 7)
		run := func(_ context.Context, items []int) error {
			runs = append(runs, slices.Clone(items))
			<-open
			return nil
		}
		var leave []context.CancelFunc
		for item := range results {
			ctx, cancel := context.WithCancel(t.Context())
			leave = append(leave, cancel)
			go func() { results[item] = group.do(ctx, item, run) }()
			synctest.Wait()
		}
		leave[0]() // it works already
		leave[1]() // it would have been next
		leave[4]()
		synctest.Wait()
		open <- true
		synctest.Wait()
		leave[3]() // another works for it
		synctest.Wait()
		for range 2 {
			open <- true
			synctest.Wait()
		}
		if want := [][]int{{0}, {2, 3}, {5, 6}}; !slices.EqualFunc(runs, want, slices.Equal) || group.busy || len(group.waiting) > 0 {
			t.Errorf("got %v, want %v", runs, want)
		}
		for item, err := range results {
			if left := item == 1 || item == 4; left != errors.Is(err, context.Canceled) || !left && err != nil {
				t.Errorf("item %d: %v", item, err)
			}
		}
	})
}

// TestTogetherTriesAgain: what failed alone may have been stored all the same,
// and is tried once more.
func TestTogetherTriesAgain(t *testing.T) {
	var group together[int]
	tries := 0
	err := group.do(t.Context(), 1, func(context.Context, []int) error {
		if tries++; tries == 1 {
			return credential.Errorf(credential.Unavailable, "the answer is lost")
		}
		return nil
	})
	if err != nil || tries != 2 {
		t.Errorf("got %v after %d tries", err, tries)
	}
}

// TestTogether: what gathers while one is at work is done at once; where that
// fails, nobody fails by another's fault.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("this one is bad")
		var group together[int]
		var runs [][]int
		open := make(chan bool)
		run := func(ctx context.Context, items []int) error {
			runs = append(runs, slices.Clone(items))
			<-open
			if err := ctx.Err(); err != nil || slices.Contains(items, 13) {
				return errors.Join(err, bad)
			}
			return nil
		}
		for _, item := range []int{0, 1, 13, 2} {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if err := group.do(ctx, item, run); (err != nil) != (item == 13) {
					t.Error(item, err)
				}
			}()
			synctest.Wait()
			cancel() // those that others wait for go on
		}
		close(open)
		synctest.Wait()
		want := [][]int{{0}, {1, 13, 2}, {1}, {13}, {2}}
		if !slices.EqualFunc(runs, want, slices.Equal) {
			t.Errorf("got %v, want %v", runs, want)
		}
		if group.busy || len(group.waiting) > 0 {
			t.Error("something is left")
		}
		for range 3 * mostTogether {
			go func() { _ = group.do(t.Context(), 1, run) }()
		}
		synctest.Wait()
		for _, items := range runs {
			if len(items) > mostTogether {
				t.Errorf("%d are done at once", len(items))
			}
		}

		hold := make(chan bool)
		var failed atomic.Int64
		for i := range 3 {
			go func() {
				defer func() { _ = recover() }() // as the server does around each request
				err := group.do(t.Context(), i, func(context.Context, []int) error { <-hold; panic("a bug") })
				if err != nil {
					failed.Add(1)
				}
			}()
			synctest.Wait()
		}
		close(hold)
		synctest.Wait()
		if err := group.do(t.Context(), 1, run); err != nil || failed.Load() != 2 {
			t.Errorf("after a panic: %v, and %d of 2 who waited were told", err, failed.Load())
		}
	})
}
