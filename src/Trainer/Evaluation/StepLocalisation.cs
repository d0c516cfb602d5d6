namespace Mcn.Web.Trainer.Evaluation;

/// <summary>
/// Ordered steps put on the seconds of a video, from a score of each step at each second (mcn-spec §9.4). Scores and assignments are
/// (seconds, steps), row by row; an assignment says which steps a second belongs to. Pure.
/// </summary>
public static class StepLocalisation
{
    /// <summary>
    /// The order-keeping assignment of least cost, cost = -score, background free. Every step occurs, so there must be at least as many
    /// seconds as steps. State 2k is the background before step k, state 2k + 1 is step k; a step may follow its neighbour directly.
    /// On equal cost the earlier of (stay, from the state before, from two before) is kept, and the background at the end wins only if it
    /// is strictly cheaper: the rules of the CrossTask routine.
    /// </summary>
    /// <param name="scores">(seconds, steps).</param>
    /// <param name="steps">K, at least 1.</param>
    /// <param name="exactlyOne">A step takes one second (true) or one and more (false).</param>
    /// <param name="emptyWhenTight">
    /// The compiled routine's fault: with as many seconds as steps the background at the end cannot be reached, its cost is a left-over one,
    /// and where the last score is negative the routine ends there and finds no step at all.
    /// </param>
    public static bool[] Align(ReadOnlySpan<float> scores, int steps, bool exactlyOne = true, bool emptyWhenTight = false)
    {
        var seconds = Seconds(scores, steps);
        if (seconds < steps) throw new ArgumentException($"{steps} steps do not fit into {seconds} seconds", nameof(scores));
        if (emptyWhenTight && seconds == steps && scores[^1] < 0) return new bool[scores.Length];
        var states = (2 * steps) + 1;
        var (before, now) = (new double[states], new double[states]);
        var cameFrom = new byte[seconds * states];
        before.AsSpan().Fill(double.PositiveInfinity);
        before[0] = 0;
        for (var t = 0; t < seconds; t++)
        {
            for (var state = 0; state < states; state++)
            {
                var isStep = state % 2 == 1;
                var (best, back) = (double.PositiveInfinity, (byte)(isStep && exactlyOne ? 1 : 0));
                if (!isStep || !exactlyOne) best = before[state];
                if (state >= 1 && before[state - 1] < best) (best, back) = (before[state - 1], 1);
                if (isStep && state >= 2 && before[state - 2] < best) (best, back) = (before[state - 2], 2);
                now[state] = isStep ? best - scores[(t * steps) + (state / 2)] : best;
                cameFrom[(t * states) + state] = back;
            }

            (before, now) = (now, before);
        }

        var assignment = new bool[seconds * steps];
        var at = before[states - 1] < before[states - 2] ? states - 1 : states - 2;
        for (var t = seconds - 1; t >= 0; t--)
        {
            if (at % 2 == 1) assignment[(t * steps) + (at / 2)] = true;
            at -= cameFrom[(t * states) + at];
        }

        return assignment;
    }

    /// <summary>Each second goes to the step that scores highest there, the first of equals; no order, no background.</summary>
    public static bool[] BestStepOfEachSecond(ReadOnlySpan<float> scores, int steps)
    {
        var assignment = new bool[scores.Length];
        for (var t = 0; t < Seconds(scores, steps); t++)
        {
            var best = 0;
            for (var step = 1; step < steps; step++)
                if (scores[(t * steps) + step] > scores[(t * steps) + best]) best = step;
            assignment[(t * steps) + best] = true;
        }

        return assignment;
    }

    /// <summary>Steps found, and steps that there are to be found.</summary>
    /// <param name="assignment">(seconds, steps).</param>
    /// <param name="truth">(seconds, steps): where each step really is; a step without a true second is not counted.</param>
    public static StepHits Count(ReadOnlySpan<bool> assignment, ReadOnlySpan<bool> truth, int steps)
    {
        var (hits, present) = (0, 0);
        for (var step = 0; step < steps; step++)
        {
            var (isHit, isPresent) = (false, false);
            for (var i = step; i < truth.Length; i += steps)
            {
                isPresent |= truth[i];
                isHit |= truth[i] && assignment[i];
            }

            if (isPresent) present++;
            if (isHit) hits++;
        }

        return new StepHits(hits, present);
    }

    internal static int Seconds(ReadOnlySpan<float> scores, int steps)
    {
        if (steps < 1 || scores.Length % steps != 0) throw new ArgumentException("scores are (seconds, steps)", nameof(scores));
        return scores.Length / steps;
    }
}

/// <param name="Hits">Steps with a chosen second inside the truth.</param>
/// <param name="Present">Steps that the truth has.</param>
public readonly record struct StepHits(int Hits, int Present);
