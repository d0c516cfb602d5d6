namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The wishes that reach a training thread from outside; it looks at them once a step. One object: many writers, one reader, so that
/// two people's clicks cannot meet two readers. The newest wish of a kind counts; each carries the id of the command behind it.
/// </summary>
public sealed class RunControl
{
    readonly object gate = new();
    volatile bool stop;
    volatile bool hold;
    bool save = true;
    string? stopCommand;
    string? holdCommand;
    string? resumeCommand;
    CheckpointWish? checkpoint;
    ReleaseWish? release;
    EvaluationWish? evaluation;
    readonly Queue<KnobWish> knobs = new();

    /// <summary>Finish the step in hand, save (unless <see cref="SaveBeforeLeaving"/> is false), leave.</summary>
    public bool StopRequested => stop;

    /// <summary>Stand still at the next step boundary, keep the device's memory.</summary>
    public bool HoldRequested => hold;

    /// <summary>An evaluation in hand is left: whoever wants the device does not wait minutes for it. It is done when the run goes on.</summary>
    public bool InterruptsEvaluation => stop || Volatile.Read(ref release) is not null;

    public bool SaveBeforeLeaving
    {
        get
        {
            lock (gate) return save;
        }
    }

    /// <summary>The command behind the stop; null for a signal or a supervisor that is gone.</summary>
    public string? StopCommandId
    {
        get
        {
            lock (gate) return stopCommand;
        }
    }

    /// <summary>The command behind the hold.</summary>
    public string? HoldCommandId
    {
        get
        {
            lock (gate) return holdCommand;
        }
    }

    /// <summary>The command that ended the last hold.</summary>
    public string? ResumeCommandId
    {
        get
        {
            lock (gate) return resumeCommand;
        }
    }

    public void RequestStop() => RequestStop(null, save: true);

    /// <param name="commandId">Null when no command is behind it.</param>
    /// <param name="save">False: leave without a checkpoint. A wish to save that came before is overruled.</param>
    public void RequestStop(string? commandId, bool save) => Change(() =>
    {
        stopCommand = commandId;
        this.save = save;
        stop = true;
    });

    public void RequestHold(string? commandId) => Change(() =>
    {
        holdCommand = commandId;
        hold = true;
    });

    public void RequestResume(string? commandId) => Change(() =>
    {
        resumeCommand = commandId;
        hold = false;
    });

    public void RequestCheckpoint(string? commandId) => Change(() => checkpoint = new CheckpointWish(commandId));

    /// <summary>Save, and leave once that is verified; when it cannot be saved, go on as before.</summary>
    public void RequestRelease(string? commandId) => Change(() => release = new ReleaseWish(commandId));

    public void RequestEvaluation(string? commandId) => Change(() => evaluation = new EvaluationWish(commandId));

    /// <summary>Every one counts, in their order; bounded by the desk, which remembers as many.</summary>
    public void RequestKnob(Shared.Commands.KnobChange change, string? commandId) => Change(() => knobs.Enqueue(new KnobWish(change, commandId)));

    /// <summary>The oldest change that is wished for; null: none.</summary>
    public KnobWish? TakeKnobWish()
    {
        lock (gate) return knobs.TryDequeue(out var wish) ? wish : null;
    }

    /// <summary>Takes the wish for a checkpoint, if there is one: it is the caller's from now on.</summary>
    public CheckpointWish? TakeCheckpointWish() => Take(ref checkpoint);

    /// <summary>As <see cref="TakeCheckpointWish"/>.</summary>
    public ReleaseWish? TakeReleaseWish() => Take(ref release);

    /// <summary>As <see cref="TakeCheckpointWish"/>.</summary>
    public EvaluationWish? TakeEvaluationWish() => Take(ref evaluation);

    /// <summary>Blocks until a wish arrives, at most so long. Called by the training thread while it is held.</summary>
    public void WaitForWish(TimeSpan atMost)
    {
        lock (gate)
        {
            if (hold && !stop && checkpoint is null && release is null && evaluation is null && knobs.Count == 0) Monitor.Wait(gate, atMost);
        }
    }

    T? Take<T>(ref T? wish)
        where T : class
    {
        if (Volatile.Read(ref wish) is null) return null; // the usual case costs one read
        lock (gate)
        {
            var taken = wish;
            wish = null;
            return taken;
        }
    }

    void Change(Action wish)
    {
        lock (gate)
        {
            wish();
            Monitor.PulseAll(gate);
        }
    }
}

/// <param name="CommandId">The command behind it, if any.</param>
public sealed record CheckpointWish(string? CommandId);

/// <param name="CommandId">The command behind it; null: a hold that lasted too long.</param>
public sealed record ReleaseWish(string? CommandId);

/// <param name="CommandId">The command behind it, if any.</param>
public sealed record KnobWish(Shared.Commands.KnobChange Change, string? CommandId);

/// <param name="CommandId">The command behind it, if any.</param>
public sealed record EvaluationWish(string? CommandId);
