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

    /// <summary>One for each action. Some differ from a sound by direction or rate alone: the mean over time does not tell them.</summary>
    public static IReadOnlyList<SampleEvent> Actions { get; } =
    [
        new Strokes(2, 11, 9) { Frames = 60 },
        new Line(5, 11, Rise) { Frames = 36 },
        new Strokes(25, 37, 6) { Frames = 26 },
        new Line(21, 12, Fall) { Frames = 50 },
        new Strokes(18, 33, 15) { Frames = 50 },
        new Line(20, 9, Valley) { Frames = 28 },
        new Line(5, 11, Fall, Harmonics: 2) { Frames = 20 },
        new Line(10, 6, Wobble(5)) { Frames = 55 },
    ];

    /// <summary>One for each sound.</summary>
    public static IReadOnlyList<SampleEvent> Sounds { get; } =
    [
        new Strokes(22, 36, 4) { Frames = 50 },
        new Line(16, 9, Wobble(2)) { Frames = 60 },
        new Line(27, 8, Rise) { Frames = 16 },
        new Line(4, 0, Flat, Harmonics: 4, Spacing: 3) { Frames = 60 },
        new Line(19, 0, Flat, Harmonics: 3, Spacing: 6, Decay: 20) { Frames = 45 },
        new Line(23, 9, Arch) { Frames = 42 },
        new Line(9, 8, Valley, Harmonics: 2, Spacing: 9) { Frames = 40 },
        new Line(13, 7, Fall, Harmonics: 3, Spacing: 4) { Frames = 16 },
        new Line(8, 8, Arch, Harmonics: 2, Spacing: 2) { Frames = 70 },
        new Strokes(12, 24, 24) { Frames = 75 },
    ];
}
