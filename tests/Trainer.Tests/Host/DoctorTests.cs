using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Tests.Host;

public sealed class DoctorTests
{
    static readonly Precondition First = new("first", "something"), Second = new("second", "something else");

    [Fact]
    public void A_look_that_hangs_is_unknown_with_the_reason_and_the_others_are_made()
    {
        using var never = new ManualResetEventSlim();
        var found = Doctor.Examine(
        [
            new("group", First, () => { never.Wait(); return []; }) { Patience = TimeSpan.FromMilliseconds(50) },
            new("group", Second, () => [Second.Ok("there")]),
        ]).Select(one => one.Check).ToList();
        never.Set();

        Assert.Equal([("first", CheckState.Unknown, "no answer in 0.1 s"), ("second", CheckState.Ok, "there")], found.Select(check => (check.Id, check.State, check.Found)));
        Assert.Contains("findmnt", found[0].Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_look_that_throws_is_unknown_with_its_message_in_one_line()
    {
        var check = Assert.Single(Doctor.Examine([new("group", First, () => throw new IOException("no\nsuch thing"))])).Check;
        Assert.Equal((CheckState.Unknown, "could not be looked at: no such thing"), (check.State, check.Found));
        Assert.NotEmpty(check.Remedy);
    }

    [Fact]
    public void What_breaks_in_the_middle_of_a_look_takes_nothing_half_told_with_it()
    {
        static IEnumerable<Check> Look()
        {
            yield return First.Ok("there");
            throw new IOException("gone");
        }

        Assert.Equal(CheckState.Unknown, Assert.Single(Doctor.Examine([new("group", First, Look)])).Check.State);
    }
}
