using Mcn.Web.Shared.Runs;

namespace Mcn.Web.Shared.Tests.Runs;

public sealed class StepProofTests
{
    static readonly StepProof Done = new()
    {
        FormatVersion = 1, Step = 4, LearningRate = 1e-4, Samples = "aa", Input = "bb",
        Loss = new Dictionary<string, double> { ["train.loss"] = 2, ["train.loss.tv"] = double.NaN }, Tensors = new Dictionary<string, string> { ["fc.weight"] = "cc" },
    };

    [Fact]
    public void The_same_step_has_no_difference_also_where_a_term_is_no_number()
    {
        Assert.Null(Done.FirstDifference(Done with { }));
        Assert.Null(Done.FirstDifference(Done with { }, 1e-3));
    }

    [Fact]
    public void By_bits_the_last_one_of_a_loss_or_of_a_tensor_is_a_difference()
    {
        Assert.Contains("train.loss was 2 and is 2.0000000000000004", Done.FirstDifference(WithLoss(Math.BitIncrement(2))), StringComparison.Ordinal);
        Assert.Contains("fc.weight after the update", Done.FirstDifference(Done with { Tensors = new Dictionary<string, string> { ["fc.weight"] = "dd" } }), StringComparison.Ordinal);
    }

    [Fact]
    public void With_a_tolerance_sums_in_another_order_are_none_but_other_inputs_and_another_loss_are()
    {
        const double tolerance = 1e-3;
        Assert.Null(Done.FirstDifference(WithLoss(2.0019) with { Tensors = new Dictionary<string, string> { ["fc.weight"] = "dd" } }, tolerance));
        Assert.Contains("train.loss was 2 and is 2.0021", Done.FirstDifference(WithLoss(2.0021), tolerance), StringComparison.Ordinal);
        Assert.Contains("train.loss was 2 and is NaN", Done.FirstDifference(WithLoss(double.NaN), tolerance), StringComparison.Ordinal);
        Assert.Contains("train.loss was 2 and is nothing", Done.FirstDifference(Done with { Loss = new Dictionary<string, double>() }, tolerance), StringComparison.Ordinal);
        Assert.Contains("the batch as it was read", Done.FirstDifference(Done with { Input = "b0" }, tolerance), StringComparison.Ordinal);
        Assert.Contains("the samples", Done.FirstDifference(Done with { Samples = "a0" }, tolerance), StringComparison.Ordinal);
        Assert.Contains("the learning rate", Done.FirstDifference(Done with { LearningRate = 2e-4 }, tolerance), StringComparison.Ordinal);
    }

    static StepProof WithLoss(double total) => Done with { Loss = new Dictionary<string, double>(Done.Loss) { ["train.loss"] = total } };
}
