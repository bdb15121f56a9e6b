using System.Diagnostics;
using Btrfs.Cli;

namespace Btrfs.LoopTests.Reading;

/// <summary>
/// The command line under test: in this process where it writes to files, in one of its own where standard output or signals matter. BTRFS_ENGINE_PROGRAM names a published
/// one for the latter, which starts sooner.
/// </summary>
internal static class EngineCommand
{
    private static readonly string s_program = Path.Combine(TestContext.CurrentContext.TestDirectory, "btrfs-engine.dll");

    /// <summary>Runs a command here.</summary>
    /// <returns>The exit code, and what it told on standard error.</returns>
    public static (int Code, string Errors) Run(params string[] arguments)
    {
        TextWriter before = Console.Error;
        using StringWriter errors = new();
        Console.SetError(errors);
        try
        {
            return (CommandLine.Run(arguments), errors.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }

    /// <summary>Starts a command in a process of its own, its three streams redirected.</summary>
    public static Process Start(params string[] arguments) => Start(Describe(arguments));

    /// <summary>What <see cref="Start(string[])"/> would start.</summary>
    public static ProcessStartInfo Describe(params string[] arguments) => Environment.GetEnvironmentVariable("BTRFS_ENGINE_PROGRAM") is { Length: > 0 } published
        ? Describe(published, arguments)
        : Describe("dotnet", ["exec", s_program, .. arguments]);

    /// <summary>The same as another user.</summary>
    public static Process StartAs(int uid, params string[] arguments) =>
        Start(Describe("setpriv", [$"--reuid={uid}", $"--regid={uid}", "--clear-groups", "--inh-caps=-all", Environment.ProcessPath!, "exec", s_program, .. arguments]));

    public static (int Code, string Output, string Errors) Finish(Process process)
    {
        using (process)
        {
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, errors.Result);
        }
    }

    private static Process Start(ProcessStartInfo start) => Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start");

    private static ProcessStartInfo Describe(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_gcServer"] = "0";
        // A process that is killed would leave its diagnostic pipes behind.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment["TZ"] = "UTC";
        return start;
    }
}
