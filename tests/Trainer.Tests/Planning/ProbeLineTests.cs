using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Trainer.Tests.Planning;

public sealed class ProbeLineTests
{
    [Theory]
    [InlineData(PeakSource.Resident)]
    [InlineData(PeakSource.Board)]
    public void Two_runs_that_the_formula_meets_leave_it_as_it_is(PeakSource source)
    {
        var line = ProbeLine.Through(1000, 1000, 1500, 1500, source);
        Assert.Equal(4000, line.At(4000));
        Assert.Equal(1500, line.At(1500));
    }

    [Fact]
    public void What_both_runs_take_more_is_added_and_what_the_larger_one_takes_more_is_grown()
    {
        // 300 more in both: a context that the formula does not know.
        Assert.Equal(4300, ProbeLine.Through(1300, 1000, 1800, 1500, PeakSource.Process).At(4000));
        // 1.6 measured for each one of the formula.
        Assert.Equal(1000 + 800 + 4000, ProbeLine.Through(1000, 1000, 1800, 1500, PeakSource.Process).At(4000));
    }

    [Theory]
    [InlineData(PeakSource.Resident, 900, 1 / 1.2)] // the allocator found freed memory again: the line falls
    [InlineData(PeakSource.Resident, 1350, 1 / 1.2)]
    [InlineData(PeakSource.Resident, 9000, 1.2)]
    [InlineData(PeakSource.Process, 900, 0.5)]
    [InlineData(PeakSource.Process, 1350, 0.7)]
    [InlineData(PeakSource.Board, 9000, 2)]
    public void A_slope_is_believed_within_bounds_that_are_wider_for_boards(PeakSource source, long large, double slope)
    {
        var line = ProbeLine.Through(1000, 1000, large, 1500, source);
        Assert.Equal(slope, line.Slope, 1e-12);
        Assert.Equal((long)(large + (slope * 2500)), line.At(4000));
    }

    [Fact]
    public void Two_runs_of_one_size_make_no_line() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ProbeLine.Through(1000, 1000, 1500, 1000, PeakSource.Process));
}
