using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Trainer.Training;

/// <summary>An allocation failed in a step though the plan fitted: other programs, or an estimate that was too low.</summary>
/// <param name="Rank">Who ran short, as people know it.</param>
/// <param name="ClipsHeld">Graphs of so many clips were held, at most.</param>
public sealed record Shortage(ShortMemory Kind, string Rank, int ClipsHeld, Exception Cause)
{
    /// <summary>The event, once the step has succeeded with fewer.</summary>
    /// <param name="clipsNow">That are held from now on.</param>
    /// <param name="step">Steps done, this one included.</param>
    public Alert Halved(int clipsNow, long step) => new()
    {
        Code = "micro_batch_halved",
        Text = string.Create(CultureInfo.InvariantCulture,
            $"memory ran short on {Rank} with the graphs of {ClipsHeld:N0} clips; the step was done again and {clipsNow:N0} are held from now on: the same numbers, more time. {FirstLine}"),
        Parameters = new Dictionary<string, string>
        {
            ["rank"] = Rank,
            ["clips_before"] = ClipsHeld.ToString(CultureInfo.InvariantCulture),
            ["clips"] = clipsNow.ToString(CultureInfo.InvariantCulture),
            ["step"] = step.ToString(CultureInfo.InvariantCulture),
        },
    };

    /// <summary>Fewer graphs there are not: half a BatchNorm group would have other statistics, and give other numbers.</summary>
    internal UserError AtTheFloor(RunConfig config)
    {
        var plan = MemoryPlan.Of(config with { Optimizer = config.Optimizer with { MicroBatch = 0 } }, snapshots: 1).Needs.ToDictionary(need => need.Device, need => need.TotalBytes);
        // Less than the formula says was there, or the step had succeeded.
        var group = new BatchSearch(config, device => plan[device], snapshots: 1).LargestGroup(below: ClipsHeld);
        return new UserError("memory", string.Create(CultureInfo.InvariantCulture, $"it does not suffice on {Rank} for the graph of one BatchNorm group of {ClipsHeld:N0} clips ({FirstLine})"),
            "room for one group",
            (group > 0 ? string.Create(CultureInfo.InvariantCulture, $"The largest group that fits, by the plan: batchnorm_group {group}, which changes the numbers. Or free") : "Free")
                + " memory; the run goes on where it stopped", Kind == ShortMemory.Device ? ExitCodes.DeviceMemory : ExitCodes.HostMemory, Cause);
    }

    string FirstLine => Cause.Message.Split('\n')[0].Trim();
}
