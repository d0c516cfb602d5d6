namespace Mcn.Web.TestKit;

/// <summary>The clone that the running tests were built from.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    public static string File(string relative) => Path.Combine(Root, relative);

    static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (System.IO.File.Exists(Path.Combine(folder.FullName, "Mcn.Web.sln"))) return folder.FullName;
        throw new InvalidOperationException("The tests do not run from within a clone");
    }
}
