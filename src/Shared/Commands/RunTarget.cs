using System.Text.Json.Serialization;

namespace Mcn.Web.Shared.Commands;

/// <summary>What a run is meant to do: the desired state. The actual one is <see cref="Telemetry.RunState"/>, told by the run alone.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunTarget>))]
public enum RunTarget
{
    Running,
    Held,

    /// <summary>Saved, no worker, no memory; to be gone on with.</summary>
    Released,
    Stopped,
}

/// <summary>What a verb means for the desired state; the same on both sides of the wire.</summary>
public static class VerbRules
{
    /// <summary>The state that a command of this verb wishes; null: it wishes none, and needs no generation.</summary>
    public static RunTarget? Wish(this CommandVerb verb) => verb switch
    {
        CommandVerb.Hold => RunTarget.Held,
        CommandVerb.Resume => RunTarget.Running,
        CommandVerb.Release => RunTarget.Released,
        CommandVerb.Stop or CommandVerb.StopWithoutSaving => RunTarget.Stopped,
        _ => null,
    };

    /// <summary>All of it is done when the trainer accepts it: nothing more is told under the run that it was given for.</summary>
    public static bool EndsWithItsAnswer(this CommandVerb verb) => verb is CommandVerb.Start or CommandVerb.Branch or CommandVerb.SendCheckpoint;
}
