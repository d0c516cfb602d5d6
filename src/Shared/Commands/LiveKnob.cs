using System.Globalization;

namespace Mcn.Web.Shared.Commands;

/// <summary>Something that may be turned while a run trains, as its trainer declares it.</summary>
/// <param name="Name">Stable; the page's word for it is named after it.</param>
/// <param name="IsWhole">Whole numbers only.</param>
/// <param name="Least">Smallest value, inclusive.</param>
/// <param name="Most">Largest value, inclusive.</param>
/// <param name="Value">Now.</param>
/// <param name="Applies">`next_step` or `next_checkpoint`.</param>
/// <param name="Unit">`x`, `seconds` or `steps`.</param>
public sealed record LiveKnob(string Name, bool IsWhole, double Least, double Most, double Value, string Applies, string Unit)
{
    /// <summary>Factor on the scheduled learning rate.</summary>
    public const string LearningRateScale = "learning_rate_scale";

    /// <summary>The most work that the death of the trainer may cost, seconds: it decides the interval of checkpoints.</summary>
    public const string CheckpointMaxLossSeconds = "checkpoint_max_loss_seconds";

    /// <summary>Steps between two reported ones.</summary>
    public const string LogEverySteps = "log_every_steps";

    /// <summary>Why it does not take this value; null: it does.</summary>
    public string? Refusal(double value)
    {
        if (!double.IsFinite(value) || value < Least || value > Most || (IsWhole && value != Math.Floor(value)))
            return string.Create(CultureInfo.InvariantCulture, $"{Name}: {value}; expected a {(IsWhole ? "whole " : "")}number from {Least} to {Most}");
        return null;
    }
}

/// <summary>Argument of <see cref="CommandVerb.Set"/>.</summary>
/// <param name="Expected">What the person saw it at; another value now refuses the change. Null: whatever it is.</param>
public sealed record KnobChange(string Name, double Value, double? Expected = null);
