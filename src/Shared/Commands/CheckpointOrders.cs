namespace Mcn.Web.Shared.Commands;

/// <summary>Argument of <see cref="CommandVerb.Pin"/>.</summary>
/// <param name="Step">Steps done at the checkpoint.</param>
/// <param name="Keep">True: it stays whatever the other rules say; false: they decide again.</param>
public sealed record CheckpointPin(long Step, bool Keep);

/// <summary>Argument of <see cref="CommandVerb.Branch"/>.</summary>
/// <param name="Step">Steps done at the checkpoint that the new run begins with.</param>
/// <param name="Configuration">Of the new run, the text of a file; null: as the run has it.</param>
public sealed record BranchPoint(long Step, string? Configuration = null);

/// <summary>Argument of <see cref="CommandVerb.SendCheckpoint"/>.</summary>
/// <param name="Step">Steps done at the checkpoint.</param>
/// <param name="Ticket">Last part of the address that it is put to (<see cref="Link.LinkRoutes.Checkpoints"/>); good once.</param>
public sealed record CheckpointOrder(long Step, string Ticket);
