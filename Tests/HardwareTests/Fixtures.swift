// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Hardware
import TestSupport

/// The profiles that the project ships.
let shipped = ProfileLibrary(folders: [
  Checkout.root.appending(path: "hardware-profiles").path
])

/// The machine that `yaml` describes, with the parts that the project ships.
func machine(_ yaml: String) throws -> MachineProfile {
  try shipped.machine(try ConfigurationNode.parse(yaml, file: "box.yaml"))
}

/// What is wrong with the machine that `yaml` describes.
func problems(_ yaml: String) -> [String] {
  do {
    _ = try machine(yaml)
    return []
  } catch let error as Diagnostics { return error.all.map(\.description) } catch {
    return ["\(error)"]
  }
}

/// A box of ten lines.
let box = """
  name: my-box
  summary: An RTX 4090 with 48 GB
  gpus: [{part: rtx-4090, count: 2, memory: {capacity: 48 GiB}}]
  cpu: {part: core-i9-13900k}
  dram: {part: ddr5-5600-2ch, capacity: 64 GiB}
  drives: [samsung-990-pro-1tb]
  chassis: {part: desktop}
  """
