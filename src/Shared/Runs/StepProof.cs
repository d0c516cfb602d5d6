using System.Globalization;

namespace Mcn.Web.Shared.Runs;

/// <summary>
/// `next-step.json` of a checkpoint: what the step after it gave. A process that goes on from there repeats that step and must find
/// the same, bit for bit; otherwise it does not go on with the run that was saved.
/// </summary>
public sealed record StepProof
{
    public required int FormatVersion { get; init; }

    /// <summary>Steps done before it: the checkpoint's.</summary>
    public required long Step { get; init; }

    public required double LearningRate { get; init; }

    /// <summary>XXH3-64 of the batch's video rows and drawn captions.</summary>
    public required string Samples { get; init; }

    /// <summary>XXH3-64 of the batch as the readers delivered it.</summary>
    public required string Input { get; init; }

    /// <summary>Terms of the loss by metric name; a JSON number carries all bits of it.</summary>
    public required IReadOnlyDictionary<string, double> Loss { get; init; }

    /// <summary>XXH3-64 of some tensors after the update, by name: parameters, queue, centroids.</summary>
    public required IReadOnlyDictionary<string, string> Tensors { get; init; }

    /// <summary>The first thing that differs, in the order of cause and effect; null: all the same.</summary>
    /// <param name="tolerance">0: by bits. Else a term of the loss may be off by so much, relatively, and tensors are not looked at: a hash says nothing of how far.</param>
    public string? FirstDifference(StepProof repeated, double tolerance = 0)
    {
        if (LearningRate != repeated.LearningRate) return Text("the learning rate", Number(LearningRate), Number(repeated.LearningRate));
        if (Samples != repeated.Samples) return Text("the samples of the batch", Samples, repeated.Samples);
        if (Input != repeated.Input) return Text("the batch as it was read", Input, repeated.Input);
        foreach (var (name, value) in Loss)
        {
            if (!repeated.Loss.TryGetValue(name, out var now) || !(IsSame(value, now) || Math.Abs(now - value) <= tolerance * Math.Abs(value)))
                return Text(name, Number(value), repeated.Loss.ContainsKey(name) ? Number(now) : "nothing");
        }

        if (tolerance > 0) return null;
        foreach (var (name, hash) in Tensors)
        {
            if (repeated.Tensors.GetValueOrDefault(name) is var now && now != hash) return Text($"{name} after the update", hash, now ?? "nothing");
        }

        return null;
    }

    /// <summary>By bits: what is no number is equal to itself here.</summary>
    static bool IsSame(double a, double b) => BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b);

    static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    static string Text(string what, string then, string now) => $"{what} was {then} and is {now}";
}
