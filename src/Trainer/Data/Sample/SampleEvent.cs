namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>A sound event: where in time and frequency its energy lies, before a voice changes it. Bands are 0 .. 39.</summary>
abstract record SampleEvent
{
    SampleEvent()
    {
    }

    /// <summary>Frames (10 ms) it lasts.</summary>
    public required double Frames { get; init; }

    /// <summary>A line that moves through the bands, with harmonics above it.</summary>
    public sealed record Line(double Band, double Span, Func<double, double> Shape, int Harmonics = 1, double Spacing = 5, double Decay = 0) : SampleEvent;

    /// <summary>Short broadband strokes between two bands.</summary>
    public sealed record Strokes(int Low, int High, double Period) : SampleEvent;

    static double Rise(double u) => u;

    static double Fall(double u) => 1 - u;

    static double Arch(double u) => 4 * u * (1 - u);

    static double Valley(double u) => 1 - (4 * u * (1 - u));

    static double Flat(double u) => 0;

    static Func<double, double> Wobble(double cycles) => u => Math.Abs((2 * ((u * cycles) - Math.Floor(u * cycles))) - 1);

    /// <summary>One for each sound. Some differ by direction or rate alone, so the mean over time does not tell them.</summary>
    public static IReadOnlyList<SampleEvent> Sounds { get; } =
    [
        new Strokes(27, 38, 4) { Frames = 40 },
        new Line(18, 9, Wobble(2)) { Frames = 50 },
        new Line(29, 8, Rise) { Frames = 16 },
        new Line(18, 0, Flat, Harmonics: 5, Spacing: 4) { Frames = 45 },
        new Line(20, 0, Flat, Harmonics: 3, Spacing: 7, Decay: 20) { Frames = 35 },
        new Line(27, 9, Arch) { Frames = 40 },
        new Line(18, 7, Valley, Harmonics: 2, Spacing: 10) { Frames = 40 },
        new Line(20, 8, Fall, Harmonics: 2, Spacing: 8) { Frames = 16 },
        new Line(18, 8, Arch, Harmonics: 2, Spacing: 3) { Frames = 50 },
        new Strokes(19, 30, 20) { Frames = 60 },
        new Strokes(2, 10, 9) { Frames = 45 },
        new Line(4, 12, Rise) { Frames = 36 },
    ];
}
