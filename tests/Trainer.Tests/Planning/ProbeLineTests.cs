using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Trainer.Tests.Planning;

public sealed class ProbeLineTests
{
    [Fact]
    public void Two_runs_that_the_formula_meets_leave_it_as_it_is()
    {
        var line = ProbeLine.Through(1000, 1000, 1500, 1500);
        Assert.Equal(4000, line.At(4000));
        Assert.Equal(1500, line.At(1500));
    }

    [Fact]
    public void What_both_runs_take_more_is_added_and_what_the_larger_one_takes_more_is_grown()
    {
        // 300 more in both: a context that the formula does not know.
        Assert.Equal(4300, ProbeLine.Through(1300, 1000, 1800, 1500).At(4000));
        // 1.2 measured for each one of the formula.
        Assert.Equal(1000 + 600 + 3000, ProbeLine.Through(1000, 1000, 1600, 1500).At(4000));
    }

    [Theory]
    [InlineData(900)] // an allocator found freed memory again: the line falls
    [InlineData(1000)]
    [InlineData(1200)]
    public void A_line_that_hardly_rises_is_trusted_to_two_thirds_of_the_formula(long large) =>
        Assert.Equal(large + (long)(2500 / ProbeLine.MostSlope), ProbeLine.Through(1000, 1000, large, 1500).At(4000));

    [Fact]
    public void A_line_that_rises_steeply_is_trusted_to_half_as_much_again_as_the_formula() =>
        Assert.Equal(9000 + (long)(2500 * ProbeLine.MostSlope), ProbeLine.Through(1000, 1000, 9000, 1500).At(4000));

    [Fact]
    public void Two_runs_of_one_size_make_no_line() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ProbeLine.Through(1000, 1000, 1500, 1000));
}
