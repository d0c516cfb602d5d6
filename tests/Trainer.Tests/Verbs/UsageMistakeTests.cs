using System.CommandLine;
using Mcn.Web.Trainer.Verbs;

namespace Mcn.Web.Trainer.Tests.Verbs;

public sealed class UsageMistakeTests
{
    [Theory]
    [InlineData("train --config f --steps -3", "--steps: found -3; expected 0 or more")]
    [InlineData("train --config f --steps many", "--steps: found 'many'; expected a whole number (Save and leave")]
    [InlineData("train", "--config: found nothing; expected a value (Configuration of the run")]
    [InlineData("plan --config f --gpu-memory 0", "--gpu-memory: found 0; expected GiB of one card, more than 0, at most 1024")]
    [InlineData("plan --config f --gpu-memory 40960", "--gpu-memory: found 40960; expected GiB of one card")]
    [InlineData("plan --config f --gpu-memory NaN", "--gpu-memory: found NaN; expected GiB of one card")]
    [InlineData("plan --config f --gpu-memory abc", "--gpu-memory: found 'abc'; expected a number (GiB of each card")]
    [InlineData("plan --config f --gpu-memory 40,5", "--gpu-memory: found 40,5; expected a number with a decimal point")]
    [InlineData("set learning_rate_scale 0,5", "VALUE: found 0,5; expected a number with a decimal point")]
    [InlineData("set log_every_steps x", "VALUE: found 'x'; expected a number (Its new value)")]
    [InlineData("data mel", "IN.wav: found nothing; expected a value (", "OUT.npz: found nothing; expected a value (")]
    [InlineData("hold now", "Unrecognized command or argument 'now'.")]
    public void Each_is_one_line_that_names_what_was_found_and_what_was_expected(string line, params string[] expected)
    {
        var root = new RootCommand { TrainVerb.Command(), PlanVerb.Command(), DataVerb.Command() };
        foreach (var verb in DaemonVerbs.Commands()) root.Add(verb);
        var mistakes = UsageMistakes.Of(root.Parse(line));
        Assert.Equal(expected, mistakes.Select((mistake, index) => mistake[..Math.Min(mistake.Length, expected[Math.Min(index, expected.Length - 1)].Length)]));
        Assert.All(mistakes, mistake => Assert.DoesNotContain("System.", mistake, StringComparison.Ordinal));
    }
}
