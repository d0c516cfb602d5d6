namespace Mcn.Web.Trainer.Training;

/// <summary>Where training stands: all that is needed to find the next thing to do.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">Epoch of the next step, from 0; so many epochs are trained.</param>
/// <param name="StepInEpoch">Place of the next step in its epoch, from 0.</param>
/// <param name="EpochsClosed">Epochs whose end (evaluation) is behind us; one less than <paramref name="Epoch"/> while it is due.</param>
public sealed record TrainingPosition(long Step, int Epoch, int StepInEpoch, int EpochsClosed)
{
    public static TrainingPosition Start { get; } = new(0, 0, 0, 0);

    /// <summary>An epoch is trained and its end is still to be dealt with.</summary>
    public bool EpochEndIsDue => StepInEpoch == 0 && EpochsClosed < Epoch;

    public TrainingPosition Next(int stepsPerEpoch) => StepInEpoch + 1 < stepsPerEpoch
        ? this with { Step = Step + 1, StepInEpoch = StepInEpoch + 1 }
        : this with { Step = Step + 1, Epoch = Epoch + 1, StepInEpoch = 0 };

    public TrainingPosition CloseEpoch() => this with { EpochsClosed = Epoch };
}
