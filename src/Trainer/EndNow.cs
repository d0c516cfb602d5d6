using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer;

/// <summary>Ends the process with nothing run after it: libtorch's own farewell may hang or crash while its threads still compute.</summary>
static partial class EndNow
{
    [LibraryImport("libc", EntryPoint = "_exit")]
    public static partial void With(int exitCode);
}
