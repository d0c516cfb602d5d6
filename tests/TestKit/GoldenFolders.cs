namespace Mcn.Web.TestKit;

/// <summary>
/// Where the golden vectors are: the reduced set of this repository, always, and the full set of ../shared where it is there.
/// A test takes the name, so that its result says which one it ran on.
/// </summary>
public static class GoldenFolders
{
    public const string Reduced = "reduced";
    public const string Full = "full";

    /// <summary>Path of the named set, or null when it is not on this machine.</summary>
    public static string? Find(string name) =>
        name == Reduced ? Path.Combine(AppContext.BaseDirectory, "Golden") : SharedData.Find("golden");
}
