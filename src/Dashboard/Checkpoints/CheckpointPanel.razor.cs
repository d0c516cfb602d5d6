using System.Text.Json;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Runs;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Mcn.Web.Dashboard.Checkpoints;

/// <summary>What the run can be gone on with: kept why, to be pinned, branched off from, downloaded.</summary>
public sealed partial class CheckpointPanel
{
    static readonly DialogOptions Wide = new() { MaxWidth = MaxWidth.Medium, FullWidth = true, CloseOnEscapeKey = true, CloseButton = true };

    KeptCheckpoint? branchFrom;
    string? said;

    [Parameter]
    public Trainer? Trainer { get; set; }

    [Inject]
    public required NavigationManager Navigation { get; set; }

    /// <summary>Newest first.</summary>
    IReadOnlyList<KeptCheckpoint> Kept => [.. View.Checkpoints.Kept.Reverse()];

    /// <summary>The rules of retention run for this one only; what is not loaded loses nothing.</summary>
    bool IsLoaded => Trainer?.Beat?.RunId == View.Run.RunId;

    static bool IsPinned(KeptCheckpoint one) => one.KeptBy.Contains(KeptCheckpoint.Pinned);

    string Rules(KeptCheckpoint one) => one.KeptBy.Count == 0 ? Texts["KeptBy_none"] : string.Join(", ", one.KeptBy.Select(rule => Texts["KeptBy_" + rule].Value));

    async Task PinAsync(KeptCheckpoint one) =>
        said = RefusalOf(await AskAsync(CommandVerb.Pin, JsonSerializer.Serialize(new CheckpointPin(one.Step, !IsPinned(one)), McnJson.Default.CheckpointPin)));

    /// <summary>The page Now shows the newest run: the branch.</summary>
    void Branched()
    {
        branchFrom = null;
        Navigation.NavigateTo("");
    }
}
