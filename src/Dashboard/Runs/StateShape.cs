using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>A state as shape, word and colour, never by colour alone.</summary>
/// <param name="Word">Key of Words.</param>
public sealed record StateShape(string Shape, string Word, string Class)
{
    /// <summary>The dashboard's own overlay: nothing is heard, what happens is unknown.</summary>
    public static readonly StateShape Silent = new("?", "StateSilent", "silent");

    public static readonly StateShape Unknown = new("○", "StateUnknown", "grey");

    public static StateShape Of(RunState? state) => state switch
    {
        null => Unknown,
        RunState.Starting => new("◔", "StateStarting", "moving"),
        RunState.Running => new("●", "StateRunning", "running"),
        RunState.Holding => new("◐", "StateHolding", "moving"),
        RunState.Held => new("‖", "StateHeld", "held"),
        RunState.Saving => new("◒", "StateSaving", "moving"),
        RunState.Releasing => new("◐", "StateReleasing", "moving"),
        RunState.Released => new("‖", "StateReleased", "held"),
        RunState.Resuming => new("◑", "StateResuming", "moving"),
        RunState.Stopping => new("◐", "StateStopping", "moving"),
        RunState.Stopped => new("■", "StateStopped", "grey"),
        RunState.Finished => new("✓", "StateFinished", "finished"),
        RunState.Crashed => new("✕", "StateCrashed", "crashed"),
        _ => Unknown,
    };
}
