namespace Mcn.Web.Shared.Configuration;

/// <summary>Finds the known key that somebody meant: the remedy of an unknown one.</summary>
static class KeySuggestion
{
    /// <summary>A sentence without full stop.</summary>
    /// <param name="path">`section.key`, a key at the top of the file, or what stood before the = of `--set`.</param>
    internal static string For(string path)
    {
        var leaf = path[(path.LastIndexOf('.') + 1)..];
        if (OriginalFlags.Find(Bare(leaf)) is { } moved) return moved;

        if (Meant(path) is { } meant) return $"Did you mean {meant}?";

        var section = SectionOf(path, leaf);
        var names = RunConfigKeys.Of(RunConfigKeys.IsSection(section) ? section : "").Select(key => key.Leaf);
        if (!RunConfigKeys.IsSection(section)) names = names.Concat(RunConfigKeys.Sections.Select(known => known.Key).Skip(1));
        return $"Known here: {string.Join(", ", names)}";
    }

    /// <summary>The known key or section that is near enough to have been meant, or null.</summary>
    internal static string? Meant(string path)
    {
        var leaf = path[(path.LastIndexOf('.') + 1)..];
        var section = SectionOf(path, leaf);
        var best = Candidates()
            // The same name in another section comes before a similar name in this one; ties go to this section.
            .Select(known => (known.Path, Cost: 2 * Distance(Bare(known.Leaf), Bare(leaf)) + (known.Section == section ? 0 : 1)))
            .MinBy(known => known.Cost);
        var farthest = Math.Min(leaf.Length - 1, Math.Max(2, leaf.Length / 3));
        return best.Cost <= 2 * farthest + 1 ? best.Path : null;
    }

    static string SectionOf(string path, string leaf) => path.Length > leaf.Length ? path[..(path.Length - leaf.Length - 1)] : "";

    static IEnumerable<(string Path, string Section, string Leaf)> Candidates() =>
        RunConfigKeys.All.Select(key => (key.Path, key.Section, key.Leaf))
            .Concat(RunConfigKeys.Sections.Skip(1).Select(section => (section.Key, "", section.Key)));

    // batchSize, batch-size and Batch_Size are the same slip.
    static string Bare(string name) => string.Concat(name.Where(letter => letter is not ('_' or '-'))).ToLowerInvariant();

    /// <summary>Letters to add, drop, change or swap with the next (optimal string alignment).</summary>
    internal static int Distance(string a, string b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) table[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) table[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        for (var j = 1; j <= b.Length; j++)
        {
            var change = table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            var best = Math.Min(change, 1 + Math.Min(table[i - 1, j], table[i, j - 1]));
            var swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            table[i, j] = swapped ? Math.Min(best, table[i - 2, j - 2] + 1) : best;
        }

        return table[a.Length, b.Length];
    }
}
